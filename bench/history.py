"""How smooth the history is with many pictures: the longest pauses of a browser's main thread, step by step.

    python -m bench.history                    # 20,000 pictures; needs Chromium
    python -m bench.history --pictures 2000

A pause is a stretch in which the page can't answer, as the browser's `longtask` entries tell: from 50 ms on.
A gap is the time between two frames, which other programs on the machine lengthen, too.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from bench.seed_pictures import many, seed_pictures

ROOT = Path(__file__).parents[1]
PICTURES = 20_000
LIMIT_MS = 200
_BENCH = ROOT / "bench"
_LISTENING = re.compile(r"on (http://[\w.:\[\]]+) ")
_START_SECONDS = 60
_MS = 120_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]

# Notes every task over 50 ms and the longest time between two frames, until they are asked for.
_METER = """
window.meter = { pauses: [], gap: 0, last: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.meter.pauses.push(entry.duration);
}).observe({ type: "longtask", buffered: true });
(function frame(now) {
  if (window.meter.last > 0) window.meter.gap = Math.max(window.meter.gap, now - window.meter.last);
  window.meter.last = now;
  requestAnimationFrame(frame);
})(0);
"""
_READ = """
() => {
  const { pauses, gap } = window.meter;
  Object.assign(window.meter, { pauses: [], gap: 0, last: 0 });
  return [Math.max(0, ...pauses), pauses.length, gap, document.querySelectorAll(".st-grid *").length];
}
"""
_IDLE = "() => new Promise((done) => requestIdleCallback(() => requestIdleCallback(done)))"
_SHOWN = """
() => {
  const window = document.querySelector(".st-gallery-scroll")?.getBoundingClientRect();
  if (window === undefined) return false;
  const cells = [...document.querySelectorAll(".st-cell:not([hidden])")].filter((cell) => {
    const box = cell.getBoundingClientRect();
    return box.bottom > window.top && box.top < window.bottom;
  });
  return cells.length > 0 && cells.every((cell) => cell.querySelector(".st-cell-loaded"));
}
"""


@dataclass(frozen=True)
class Step:
    """One thing a person does, in milliseconds: until it was done, the longest pause, the longest gap."""

    name: str
    took: float
    pause: float
    pauses: int
    gap: float
    nodes: int
    """elements in the grid afterwards"""


@contextmanager
def studio_over(outputs: Path) -> Iterator[str]:
    """The address of a studio that serves these outputs, over the stub engine."""
    command = [sys.executable, "app.py", "--port", "0", "--outputs", str(outputs)]
    command += ["--models", str(_BENCH / "models.yml"), "--sd-server", str(_BENCH / "bin" / "sd-server")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    lines: list[str] = []
    listening = threading.Event()

    def read() -> None:
        for line in process.stderr or ():
            lines.append(line)
            if _LISTENING.search(line):
                listening.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        if not listening.wait(_START_SECONDS):
            raise RuntimeError("the studio does not start:\n" + "".join(lines))
        found = next(match for match in map(_LISTENING.search, lines) if match)
        yield found[1]
    finally:
        process.terminate()
        process.wait(30)
        reader.join(10)
        process.stderr.close()


def walk(browser: Browser, base: str) -> list[Step]:
    """Open the history and do in it what people do; the pauses of each step."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(_METER)
    _open(page, base)
    steps: list[Step] = []

    def step(name: str, deed: Callable[[Page], None]) -> None:
        page.evaluate(_READ)
        begin = time.perf_counter()
        deed(page)
        took = (time.perf_counter() - begin) * 1000
        page.evaluate(_IDLE)
        pause, pauses, gap, nodes = page.evaluate(_READ)
        steps.append(Step(name, took, pause, pauses, gap, nodes))

    step("open the tab", _show)
    step("scroll 60 turns of the wheel", _scroll)
    step("jump to the oldest", lambda page: _press(page, "End"))
    step("back to the newest", lambda page: _press(page, "Home"))
    step("drag the scroll bar to and fro", _drag)
    step("search, letter by letter", lambda page: _search(page, "castle river"))
    step("search for one picture", lambda page: _search(page, "picture 4711,"))
    step("take the search back", lambda page: _search(page, ""))
    step("filter by type", lambda page: _filter(page, "type", "edit"))
    step("filter by tag, too", lambda page: _filter(page, "tag", "kept"))
    step("clear the filters", _clear)
    step("view 20 pictures", _view)
    step("choose all", _choose_all)
    step("choose none", lambda page: page.keyboard.press("Escape"))
    context.close()
    return steps


def _open(page: Page, base: str) -> None:
    """Load the page, once it is there: the studio answers before its page is built."""
    page.goto(base)
    page.locator(".st-strip img").first.wait_for(timeout=_MS)
    page.wait_for_function(
        "form => (document.body.dataset.filled ?? '').split(' ').includes(form)", arg="txt2img", timeout=_MS
    )


def _settled(page: Page) -> None:
    page.wait_for_function(_SHOWN, timeout=_MS)


def _show(page: Page) -> None:
    page.locator('#tabs button[role=tab][data-tab-id="history"]').first.click()
    _settled(page)


def _scroll(page: Page) -> None:
    page.locator(".st-cell").first.hover()
    for _ in range(60):
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(30)  # as fast as people turn it
    _settled(page)


def _press(page: Page, key: str) -> None:
    page.locator('.st-cell[tabindex="0"]').focus()
    page.keyboard.press(key)
    _settled(page)


def _drag(page: Page) -> None:
    box = page.locator(".st-gallery-scroll")
    for share in (0.3, 0.9, 0.1, 0.6, 0.0):
        box.evaluate("(box, share) => { box.scrollTop = share * box.scrollHeight; }", share)
        page.wait_for_timeout(200)
    _settled(page)


def _counted(page: Page, deed: Callable[[], object]) -> None:
    """Do something that asks the library, and wait for its answer and its pictures."""
    with page.expect_response(lambda response: "/api/library?" in response.url, timeout=_MS):
        deed()
    _settled(page)


def _search(page: Page, words: str) -> None:
    field = page.get_by_label("Search in prompts")
    field.fill("")

    def type_in() -> None:
        field.press_sequentially(words, delay=60) if words else field.press("Enter")

    _counted(page, type_in)
    page.wait_for_timeout(400)  # the last letters are asked for after a pause in typing
    _settled(page)


def _filter(page: Page, name: str, value: str) -> None:
    _counted(page, lambda: page.locator(f'[data-filter="{name}"]').select_option(value))


def _clear(page: Page) -> None:
    _counted(page, lambda: page.get_by_role("button", name="Clear filters").first.click())


def _view(page: Page) -> None:
    page.locator(".st-cell").first.click()
    page.locator("dialog.st-lightbox").wait_for()
    for number in range(2, 22):
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "start => document.querySelector('.st-lightbox-place').textContent.startsWith(start)",
            arg=f"{number} ",
        )
    page.keyboard.press("Escape")


def _choose_all(page: Page) -> None:
    page.locator('.st-cell[tabindex="0"]').focus()
    page.keyboard.press("Control+a")
    page.wait_for_function(
        "() => document.querySelector('.st-gallery-chosen').textContent.split(' ')[0]"
        " === document.querySelector('.st-gallery-count').textContent.split(' ')[0]",
        timeout=_MS,
    )


def measure(count: int, folder: Path) -> list[Step]:
    """Make that many pictures in an empty folder and walk through them."""
    outputs = folder / "outputs"
    seed_pictures(outputs, many(count, until=time.time(), model="stub-a"))
    with studio_over(outputs) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        try:
            return walk(browser, base)
        finally:
            browser.close()


def table(steps: list[Step]) -> str:
    """A Markdown table of the steps."""
    lines = [
        "| step | done after | longest pause | pauses over 50 ms | longest gap | elements |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for step in steps:
        pause = f"{step.pause:.0f} ms" if step.pause else "under 50 ms"
        values = [step.name, f"{step.took:.0f} ms", pause, step.pauses, f"{step.gap:.0f} ms", step.nodes]
        lines.append(f"| {' | '.join(map(str, values))} |")
    return "\n".join(lines)


def main() -> int:
    """Measure and print; 1 if a pause was longer than 200 ms."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=PICTURES, help="how many there shall be")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        steps = measure(options.pictures, Path(folder))
    print(table(steps))
    return int(any(step.pause > LIMIT_MS for step in steps))


if __name__ == "__main__":
    sys.exit(main())
