"""The nginx of this machine in front of a studio, with the configuration that deploy/ offers."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.running import ROOT, until

LOCATION = ROOT / "deploy" / "nginx.conf"
_UPSTREAM = "proxy_pass http://127.0.0.1:3000;"
_AROUND = """
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address};
        include {folder}/location.conf;
    }}
}}
"""


@contextmanager
def nginx_before(studio: str, folder: Path, *, takes_off: bool) -> Iterator[str]:
    """The address of an nginx that serves `studio` ("http://host:port") under /studio/, gone afterwards.

    `takes_off`: it asks the studio without /studio.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert program is not None, (
        "this test needs nginx (on Debian: apt-get install nginx-light), which is missing"
    )
    location = LOCATION.read_text(encoding="utf-8")
    assert location.count(_UPSTREAM) == 1
    slash = "/" if takes_off else ""
    (folder / "location.conf").write_text(location.replace(_UPSTREAM, f"proxy_pass {studio}{slash};"))
    # nginx takes over a socket that listens already, as it does when it replaces itself: the port is surely
    # free, and whoever connects meanwhile waits.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        address = "{}:{}".format(*listener.getsockname())
        # Started by root it would work as somebody else, who may not write here.
        user = "user root root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, address=address, user=user))
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        handle = listener.fileno()
        environment = {**os.environ, "NGINX": f"{handle};"}
        with (folder / "nginx.log").open("wb") as log:
            process = subprocess.Popen(command, pass_fds=[handle], env=environment, stderr=log)
    try:
        until(lambda: (folder / "nginx.pid").is_file() or process.poll() is not None)
        assert process.poll() is None, (folder / "nginx.log").read_text()
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)
