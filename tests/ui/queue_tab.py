"""The Queue tab as a person sees it, and jobs to look at there."""

import threading

from playwright.sync_api import Locator, expect

from studio.job import Job, JobStatus
from studio.params import GenerationParams
from tests.ui.studio_page import READY_MS, Served, StudioPage


def submit(served: Served, *prompts: str, n: int = 1) -> list[Job]:
    """Jobs with these prompts, in this order."""
    return [
        served.studio.submit(GenerationParams(model="demo", prompt=prompt, n=n, seed=7)) for prompt in prompts
    ]


def order(served: Served) -> list[str]:
    """The prompts of what waits, in the order in which it will run."""
    jobs = served.studio.jobs(status=JobStatus.PENDING).rows
    return [job.recipe.prompt for job in sorted(jobs, key=lambda job: job.position or 0)]


def empty(served: Served) -> None:
    """Cancel everything, and wait until nothing runs."""
    served.engine.faults.clear()
    served.studio.queue.resume()
    served.studio.queue.cancel_pending()
    changed = threading.Event()
    with served.studio.bus.listen(lambda _: changed.set()):
        running = [job.id for job in served.studio.jobs(status=JobStatus.PROCESSING).rows]
        served.studio.queue.cancel(running)
        served.engine.release()
        while served.studio.counts()[JobStatus.PROCESSING]:
            assert changed.wait(30), "the running job does not end"
            changed.clear()


class QueueTab:
    """The tab in a browser that shows it; the forms of other tabs may still be on their way."""

    def __init__(self, tab: StudioPage) -> None:
        self.tab = tab
        self.page = tab.page
        self.root = tab.page.locator("#queue .st-queue")
        self.prompts_waiting = self.root.locator("ol .st-job-prompt")
        self.said = self.root.locator(".st-said")

    def open(self) -> None:
        """Load the page and go to the tab."""
        self.page.goto(self.tab.served.base)
        self.show()

    def show(self) -> None:
        self.page.locator("#pulse .st-bar").wait_for(timeout=READY_MS)
        self.page.locator("#tabs button[role=tab]").first.wait_for()
        self.tab.show("queue")
        self.root.wait_for(timeout=READY_MS)
        expect(self.root.get_by_text("Reading the queue")).to_be_hidden()

    def rows(self, prompt: str) -> Locator:
        """Those of that prompt: the running one, those that wait, those that are over (latest first)."""
        exact = self.page.get_by_role("button", name=prompt, exact=True)
        return self.root.locator(".st-job").filter(has=exact)

    def row(self, prompt: str) -> Locator:
        """The first of them."""
        return self.rows(prompt).first

    def badge(self, prompt: str) -> Locator:
        return self.row(prompt).locator(".st-badge")

    def deed(self, prompt: str, name: str) -> Locator:
        """The button of that name in the job's row."""
        return self.row(prompt).get_by_role("button", name=name)

    def grip(self, prompt: str) -> Locator:
        return self.row(prompt).locator("[data-grip]")

    def chip(self, status: str) -> Locator:
        return self.root.locator(f'.st-chip[data-status="{status}"]')

    def details(self, prompt: str) -> Locator:
        """The job's details, opened and read."""
        self.row(prompt).locator(".st-job-prompt").click()
        dialog = self.page.get_by_role("dialog", name="Job details")
        expect(dialog.locator(".st-detail-attempts h3")).to_be_visible()
        return dialog

    def expect_waiting(self, *prompts: str) -> None:
        expect(self.prompts_waiting).to_have_text(list(prompts))

    def drag(self, prompt: str, target: str, *, drop: bool = True) -> None:
        """Take the job by its handle over the middle of another one, and a little beyond."""
        grip = self.grip(prompt)
        grip.scroll_into_view_if_needed()
        start, end = grip.bounding_box(), self.row(target).bounding_box()
        assert start is not None and end is not None
        x, y = start["x"] + start["width"] / 2, start["y"] + start["height"] / 2
        goal = end["y"] + end["height"] / 2 + (8 if end["y"] > y else -8)
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x, y + 10, steps=2)
        mouse.move(x, goal, steps=8)
        expect(self.row(prompt)).to_have_class("st-job st-dragged")
        if drop:
            mouse.up()
