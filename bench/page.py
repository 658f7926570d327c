"""How soon the page is there: from the start of the process, on a first visit, on a later one, on a reload.

    python -m bench.page                        # 7 visits of each kind; needs Chromium; about a minute
    python -m bench.page --runs 15

Interactive is when the form is filled and a click on Generate makes a job: each visit clicks, and fails
if no job comes of it.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.history import FLAGS, studio_over

RUNS = 7
_MS = 60_000
_QUIET_MS = 600

# Notes when the form was filled, in milliseconds since the navigation began.
_METER = """
document.addEventListener("studio:filled", () => { window.filledAt ??= performance.now(); });
"""
_READ = """
() => {
  const paint = Object.fromEntries(performance.getEntriesByType("paint").map((e) => [e.name, e.startTime]));
  return [paint["first-paint"], paint["first-contentful-paint"], window.filledAt];
}
"""


@dataclass(frozen=True)
class Visit:
    """One time that the page was opened; times in milliseconds since the navigation began."""

    paint: float
    content: float
    """first contentful paint"""
    interactive: float
    click: float
    """from a click on Generate to its job, in milliseconds"""
    requests: int
    """that reached the studio; what the browser took from its cache alone is left out"""
    kilobytes: float
    """that came over the wire, headers included"""


@dataclass(frozen=True)
class Start:
    """Seconds from the start of the process."""

    health: float
    """until /api/health answers 200"""
    page: float
    """until the page is served"""
    longest: float
    """the slowest answer of /api/health in between"""


class Wire:
    """Counts what a page asks the studio for, as the browser's own protocol tells it."""

    def __init__(self, page: Page) -> None:
        self._bytes = 0.0
        self._asked: set[str] = set()
        self._cached: set[str] = set()
        protocol = page.context.new_cdp_session(page)
        protocol.on("Network.requestWillBeSent", self._sent)
        protocol.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        protocol.on("Network.responseReceived", self._received)
        protocol.on("Network.loadingFinished", self._finished)
        protocol.send("Network.enable")

    @property
    def requests(self) -> int:
        return len(self._asked - self._cached)

    @property
    def kilobytes(self) -> float:
        return self._bytes / 1000

    def _sent(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("http"):
            self._asked.add(event["requestId"])

    def _received(self, event: dict[str, Any]) -> None:
        if event["response"].get("fromDiskCache"):
            self._cached.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._asked - self._cached:
            self._bytes += event["encodedDataLength"]


def start_of(folder: Path) -> Start:
    """Start a studio over an empty folder and look until it serves its page."""
    began = time.monotonic()
    with studio_over(folder) as base, httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
        client.get("/api/health").raise_for_status()
        health = time.monotonic() - began
        longest = 0.0
        while client.get("/config").status_code != 200:
            asked = time.monotonic()
            client.get("/api/health").raise_for_status()
            longest = max(longest, time.monotonic() - asked)
        return Start(health, time.monotonic() - began, longest)


def visit(page: Page, base: str, *, reload: bool = False) -> Visit:
    """Open the page, or load it again, and click on Generate as soon as that does something."""
    wire = Wire(page)
    page.reload() if reload else page.goto(base)
    page.wait_for_function("() => document.body.dataset.filled?.includes('txt2img')", timeout=_MS)
    _quiet(page, wire)
    paint, content, interactive = page.evaluate(_READ)
    requests, kilobytes = wire.requests, wire.kilobytes
    with httpx.Client(base_url=f"{base}/api", trust_env=False) as api:
        before = sum(api.get("/queue/stats").json().values())
        page.locator("#txt2img-prompt textarea").fill("a picture")
        clicked = time.monotonic()
        page.get_by_role("button", name="Generate").first.click()
        while sum(api.get("/queue/stats").json().values()) == before:
            if time.monotonic() - clicked > 10:
                raise RuntimeError("a click on Generate made no job")
        click = (time.monotonic() - clicked) * 1000
    return Visit(paint, content, interactive, click, requests, kilobytes)


def _quiet(page: Page, wire: Wire) -> None:
    """Wait until the page has asked for nothing more for a while; the stream of events never ends."""
    asked = -1
    while asked != wire.requests:
        asked = wire.requests
        page.wait_for_timeout(_QUIET_MS)


def visits(browser: Browser, base: str, runs: int) -> dict[str, list[Visit]]:
    """First visits, each with an empty cache; then a second visit and a reload of the same browser."""
    found: dict[str, list[Visit]] = {"first visit": [], "second visit": [], "reload": []}
    for _ in range(runs):
        context = browser.new_context()
        try:
            page = _tab(context)
            found["first visit"].append(visit(page, base))
            page.close()
            page = _tab(context)
            found["second visit"].append(visit(page, base))
            found["reload"].append(visit(page, base, reload=True))
        finally:
            context.close()
    return found


def _tab(context: BrowserContext) -> Page:
    page = context.new_page()
    page.add_init_script(_METER)
    return page


def table(found: dict[str, list[Visit]], starts: Sequence[Start]) -> str:
    """Two Markdown tables: medians and, behind them, the worst."""
    lines = ["| | " + " | ".join(found) + " |", "|---|" + "---:|" * len(found)]
    rows = {
        "first paint": "paint", "first contentful paint": "content", "interactive": "interactive",
        "click → job": "click",
    }  # fmt: skip
    for name, field in rows.items():
        cells = [_cell([getattr(visit, field) for visit in each], " ms") for each in found.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for name, field, unit in (("requests", "requests", ""), ("over the wire", "kilobytes", " kB")):
        middles = [statistics.median(getattr(visit, field) for visit in each) for each in found.values()]
        lines.append(f"| {name} | {' | '.join(f'{middle:.0f}{unit}' for middle in middles)} |")
    lines += ["", "| from the start of the process | |", "|---|---:|"]
    for name, field in (("/api/health", "health"), ("the page", "page"), ("slowest /api/health", "longest")):
        lines.append(f"| {name} | {_cell([getattr(start, field) * 1000 for start in starts], ' ms')} |")
    return "\n".join(lines)


def _cell(values: Sequence[float], unit: str) -> str:
    return f"{statistics.median(values):.0f} / {max(values):.0f}{unit}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=RUNS, help="how many visits of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        starts = [start_of(Path(folder, f"start-{number}")) for number in range(min(3, options.runs))]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        try:
            with studio_over(Path(folder, "outputs")) as base:
                found = visits(browser, base, options.runs)
        finally:
            browser.close()
    print(table(found, starts))
    print(f"\nmedian / worst of {options.runs}; load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
