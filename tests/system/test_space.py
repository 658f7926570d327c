"""The studio on a Hugging Face Space, as far as its environment alone can show: address, names and frame."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.system.running import ROOT, RunningStudio, running_studio, until

SPACE = {"SPACE_ID": "somebody/studio", "SPACE_HOST": "somebody-studio.hf.space", "SYSTEM": "spaces"}
SCRIPTED = Path(__file__).parents[1] / "scripted_engine.py"
HUGGING_FACE = "https://huggingface.co"


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio with a Space's environment; its port is a free one, so that no other studio is in the way."""
    with running_studio(tmp_path_factory.mktemp("space"), SCRIPTED, env=SPACE) as running:
        until(lambda: any("the page is ready" in line for line in running.log))
        yield running


def _ask(space: RunningStudio, path: str, **headers: str) -> httpx.Response:
    port = httpx.URL(space.base).port
    return httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=60, trust_env=False)


def test_a_space_listens_to_everybody(space: RunningStudio) -> None:
    assert httpx.URL(space.base).host == "0.0.0.0"
    assert _ask(space, "/config").status_code == 200, "Gradio's page is there"
    assert not any("--api-key" in line for line in space.log)


@pytest.mark.parametrize("path", ["/", "/api/health"])
def test_a_space_answers_by_its_own_name_inside_of_hugging_faces_frame(
    space: RunningStudio, path: str
) -> None:
    answer = _ask(space, path, Host=SPACE["SPACE_HOST"])

    assert answer.status_code == 200
    assert f"frame-ancestors 'self' {HUGGING_FACE}" in answer.headers["content-security-policy"].split(", ")
    assert "x-frame-options" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "hf.space.evil.example", "huggingface.co"])
def test_a_space_refuses_other_names(space: RunningStudio, host: str) -> None:
    assert _ask(space, "/", Host=host).status_code == 421
    assert _ask(space, "/api/queue", Host=host).status_code == 421


def test_a_space_takes_jobs_by_its_own_name_and_from_its_own_page_only(space: RunningStudio) -> None:
    name = SPACE["SPACE_HOST"]
    port = httpx.URL(space.base).port

    def submit(origin: str) -> int:
        answer = httpx.post(
            f"http://127.0.0.1:{port}/api/queue/generate",
            json={"prompt": "a red circle"},
            headers={"Host": name, "Origin": origin},
            timeout=60,
            trust_env=False,
        )
        return answer.status_code

    assert submit(f"https://{name}") == 200
    assert submit("https://evil.example") == 403
    assert submit(HUGGING_FACE) == 403


def test_a_space_listens_where_it_is_expected_unless_told_otherwise(tmp_path: Path) -> None:
    with ExitStack() as taken:
        with suppress(OSError):  # somebody else has it: then it is taken just as well
            taken.enter_context(socket.create_server(("0.0.0.0", 7860)))
        assert _refused(tmp_path) == (2, "0.0.0.0:7860")


def test_a_space_that_is_told_a_port_listens_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert _refused(tmp_path, "--port", port) == (2, f"0.0.0.0:{port}")


def _refused(outputs: Path, *flags: str) -> tuple[int, str | None]:
    """The exit code of a Space's studio whose port is taken, and the address that it names."""
    done = subprocess.run(
        [sys.executable, "app.py", "--outputs", str(outputs), *flags],
        cwd=ROOT, env={**os.environ, "STUDIO_SD_SERVER": str(SCRIPTED), **SPACE},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    named = re.search(r"port: (\S+) can't be used", done.stderr)
    return done.returncode, named and named[1]
