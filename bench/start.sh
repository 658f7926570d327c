#!/bin/sh
# A studio over the stub engine, on 127.0.0.1:$PORT with all its files in $DATA.
#
# Its stubs take STUB_LOG and STUB_LOAD_MS (default 500) from here: a studio passes little of its environment on
# to its engine, so they become flags in a script of their own.
set -eu
bench=$(dirname "$(readlink -f "$0")")
python=${PYTHON:-python3}
engine="$DATA/stub-engine/sd-server"
mkdir -p "$DATA/stub-engine"
cat > "$engine" <<END
#!/bin/sh
exec "$python" -S -E "$bench/stub_server.py" --stub-log "${STUB_LOG:-}" --stub-load-ms "${STUB_LOAD_MS:-500}" "\$@"
END
chmod +x "$engine"
export STUDIO_SD_SERVER="$engine"
exec "$python" "$bench/../app.py" --host 127.0.0.1 --port "$PORT" --outputs "$DATA" --models "$bench/models.yml"
