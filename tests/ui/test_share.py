"""A public link: told where it can be had, told in one sentence where not, and gone when the studio ends.

Gradio finds the tunnel's program by its environment when it is imported, so each link is made in a process of
its own, with a program of the test in that place. Nothing here leaves this machine.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
from gradio.tunneling import BINARY_FILENAME

ROOT = Path(__file__).parents[2]
PORT = 7777
RELAY = "127.0.0.1:9"

_PROGRAM = """
import json, logging, sys
from ui.share import start_share

logging.basicConfig(format="LOG %(message)s", level="INFO", stream=sys.stderr)
logging.getLogger("httpx").setLevel("WARNING")
names = []
link = start_share("0.0.0.0", 7777, names.append)
link.settled.wait(60)
seen = open("arguments.json").read() if link.url else "null"
link.stop()
print("TOLD", json.dumps({"url": link.url, "error": link.error, "names": names, "tunnel": json.loads(seen)}))
"""


def _link(folder: Path, tunnel: str, **environment: str) -> tuple[dict[str, Any], list[str]]:
    """What a link says that is made with this tunnel program, and the lines of its log."""
    program = folder / "gradio" / "frpc" / BINARY_FILENAME
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{tunnel}")
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        cwd=folder,
        env={
            **os.environ, "PYTHONPATH": str(ROOT), "HF_HOME": str(folder),
            "GRADIO_SHARE_SERVER_ADDRESS": RELAY, "GRADIO_ANALYTICS_ENABLED": "False", **environment,
        },
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    told = next(line for line in done.stdout.splitlines() if line.startswith("TOLD "))
    log = [line.removeprefix("LOG ") for line in done.stderr.splitlines() if line.startswith("LOG ")]
    result: dict[str, Any] = json.loads(told.removeprefix("TOLD "))
    return result, log


def test_a_link_tells_its_address_and_lets_in_who_comes_by_it(tmp_path: Path) -> None:
    told, log = _link(
        tmp_path,
        'json.dump([os.getpid(), *sys.argv[1:]], open("arguments.json", "w"))\n'
        'print("start proxy success: http://abc123.relay.example", flush=True)\n'
        "time.sleep(600)\n",
    )

    assert (told["url"], told["error"]) == ("http://abc123.relay.example", None)
    assert told["names"] == ["abc123.relay.example"]
    assert log == ["public link for up to a week: http://abc123.relay.example"]
    process, *arguments = told["tunnel"]
    assert {str(PORT), "127.0.0.1", RELAY} <= set(arguments)
    assert not psutil.pid_exists(process), "the tunnel outlived the studio"


def test_a_relay_that_does_not_answer_is_told_in_one_sentence(tmp_path: Path) -> None:
    told, log = _link(
        tmp_path,
        'print("login to server failed: dial tcp 127.0.0.1:9: connect: connection refused", flush=True)\n',
    )

    assert (told["url"], told["names"]) == (None, [])
    assert log == [told["error"]]
    assert told["error"].startswith("No public link: the tunnel's program could not connect to the relay")
    assert "connection refused" in told["error"]
    assert "The studio goes on at its own address" in told["error"]


def test_a_space_needs_no_link(tmp_path: Path) -> None:
    told, log = _link(tmp_path, 'open("arguments.json", "w").write("never")\n', SPACE_ID="somebody/studio")

    assert told["error"].startswith("No public link: a Space has a public address already.")
    assert not (tmp_path / "arguments.json").exists()
    assert len(log) == 1
