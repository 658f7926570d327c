"""The history with 20,000 pictures in a real browser: no pause over 200 ms, whatever one does in it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bench.history import LIMIT_MS, PICTURES, studio_over, table, walk
from bench.seed_pictures import many, seed_pictures
from studio.clock import SystemClock

# Places in the grid have five elements each; there are some 50 of them at most, however many pictures.
MOST_ELEMENTS = 600


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_twenty_thousand_pictures_never_hold_the_page_up(browser: Browser, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    seed_pictures(outputs, many(PICTURES, until=SystemClock().now(), model="stub-a"))

    with studio_over(outputs) as base:
        steps = walk(browser, base)

    print(table(steps))
    assert [step.name for step in steps if step.pause > LIMIT_MS] == []
    assert max(step.nodes for step in steps) <= MOST_ELEMENTS
