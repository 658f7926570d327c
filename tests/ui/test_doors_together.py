"""One queue behind every door: what an OpenAI client asks for is seen, moved and found on the page."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.api.openai_client import talking_to
from tests.system.running import ROOT, RunningStudio, running_studio
from tests.ui.screenshots import wait_for_page

pytestmark = pytest.mark.engine

WISH = "a yellow star on a green background"
WAITING = ("waits first", "waits second")
SECONDS = 60_000


def new_key(outputs: Path, name: str, scope: str) -> str:
    """The secret of a new key."""
    words = [sys.executable, "app.py", "keys", "add", name, "--scope", scope, "--outputs", str(outputs)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """{name: secret} of one key for everything, and of one for submitting."""
    outputs = tmp_path / "outputs"
    return {"boss": new_key(outputs, "boss", "admin"), "ada": new_key(outputs, "ada", "submit")}


@pytest.fixture
def studio(tmp_path: Path, engine_binary: Path, keys: dict[str, str]) -> Iterator[RunningStudio]:
    with running_studio(tmp_path / "outputs", engine_binary) as running:
        wait_for_page(running, keys["boss"])
        yield running


@pytest.fixture
def page(studio: RunningStudio, browser: Browser, keys: dict[str, str]) -> Iterator[Page]:
    """The page, for whoever has the admin's key; an error fails the test."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800},
        http_credentials={"username": "boss", "password": keys["boss"]},
    )
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto(studio.base)
    tab.locator("#txt2img-go").wait_for(timeout=SECONDS)
    yield tab
    context.close()
    assert faults == []


def show(page: Page, tab: str) -> None:
    page.locator(f'#tabs button[role=tab][data-tab-id="{tab}"]').first.click()


def ask(base: str, key: str, answers: list[Any]) -> threading.Thread:
    """An OpenAI client that waits for its picture."""

    def wait() -> None:
        with talking_to(base, api_key=key) as client:
            answers.append(client.images.generate(prompt=WISH, extra_body={"seed": 3, "steps": 8}))

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_job_of_an_openai_client_is_seen_moved_to_the_front_and_found_with_its_owner(
    studio: RunningStudio, page: Page, keys: dict[str, str]
) -> None:
    with studio.api as api:
        # All of one owner: between several the queue takes turns, which would move it forward by itself.
        api.headers["X-Api-Key"] = keys["ada"]
        for body in ({"prompt": "in work", "steps": 100, "n": 10}, *({"prompt": words} for words in WAITING)):
            api.post("/queue/generate", json=body).raise_for_status()
    show(page, "queue")
    waiting = page.locator("#queue .st-queue ol .st-job-prompt")
    expect(waiting).to_have_text(list(WAITING), timeout=SECONDS)

    answers: list[Any] = []
    asking = ask(studio.base, keys["ada"], answers)
    expect(waiting).to_contain_text([WISH], timeout=SECONDS)
    row = page.locator("#queue .st-queue .st-job").filter(has_text=WISH)
    expect(row).to_contain_text("by ada")
    row.get_by_role("button", name="To the front").click()
    expect(waiting.first).to_have_text(WISH)
    page.locator("#queue .st-queue .st-job").filter(has_text="in work").get_by_role(
        "button", name="Cancel"
    ).click()
    asking.join(120)
    assert answers, "the client had no answer"

    show(page, "history")
    page.locator("#history").get_by_role("gridcell", name=WISH, exact=True).click()
    viewer = page.locator("dialog.st-lightbox")
    expect(viewer.get_by_role("button", name="Copy all settings")).to_be_enabled(timeout=SECONDS)
    facts = viewer.get_by_role("complementary").locator("dl")
    for fact in ("Byada", "Seed3", "Steps8", "demo"):
        expect(facts).to_contain_text(fact)
