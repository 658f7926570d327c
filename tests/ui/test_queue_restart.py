"""A studio that is killed and started again, under a page that stays open."""

import json
import signal
import socket
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect

from tests.system.running import RunningStudio, running_studio, until

SCRIPTED = Path(__file__).parents[1] / "scripted_engine.py"
HELD = json.dumps({"hold": True})
WAITING = ["one", "two", "three"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _submit(studio: RunningStudio, prompt: str) -> str:
    answer = studio.api.post("/queue/generate", json={"prompt": prompt})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["job_id"])


def _page_is_there(studio: RunningStudio) -> bool:
    return any("the page is ready" in line for line in studio.log)


def test_the_page_shows_the_same_queue_after_the_studio_was_killed(tmp_path: Path, browser: Browser) -> None:
    outputs, port = tmp_path / "outputs", ["--port", str(_free_port())]
    page: Any = browser.new_page()
    waiting = page.locator("#queue ol .st-job-prompt")
    engine = page.locator("#pulse .st-chip-words")
    with running_studio(outputs, SCRIPTED, *port) as studio:
        held = _submit(studio, HELD)
        last = [_submit(studio, prompt) for prompt in WAITING][-1]
        studio.sampling(held)
        studio.api.post(f"/queue/{last}/move", json={"to": "front"})
        until(lambda: _page_is_there(studio))
        page.goto(studio.base)
        page.locator('#tabs button[data-tab-id="queue"]').first.click()
        expect(waiting).to_have_text(["three", "one", "two"])

        studio.stop(signal.SIGKILL)

        expect(engine).to_have_text("Reconnecting …")
    with running_studio(outputs, SCRIPTED, *port) as studio:
        expect(engine).not_to_have_text("Reconnecting …", timeout=60_000)
        expect(page.locator("#queue .st-job[data-status=processing] .st-job-prompt")).to_have_text(HELD)
        expect(waiting).to_have_text(["three", "one", "two"])

        page.locator("#queue .st-job[data-status=processing]").get_by_role("button", name="Cancel").click()

        expect(page.locator("#queue .st-job[data-status=completed]")).to_have_count(3, timeout=60_000)
        expect(page.locator("#queue .st-job[data-status=cancelled]")).to_have_count(1)
    page.context.close()
