"""Whose a job is stands in the queue and beside its pictures."""

import threading
from pathlib import Path

from playwright.sync_api import Browser, expect

from studio.caller import Caller, Scope, asking
from tests.ui.history_tab import HistoryTab
from tests.ui.queue_tab import QueueTab, submit
from tests.ui.studio_page import Served, new_page, serve_page


def made(served: Served, prompt: str) -> None:
    """A job with that prompt, over."""
    changed = threading.Event()
    with served.studio.bus.listen(lambda _: changed.set()):
        (job,) = submit(served, prompt)
        while not served.studio.job(job.id).is_final:
            assert changed.wait(30), "the job does not end"
            changed.clear()


def test_the_queue_and_the_viewer_name_whoever_asked(browser: Browser, tmp_path: Path) -> None:
    with serve_page(tmp_path) as served:
        with asking(Caller("ada", Scope.SUBMIT)):
            made(served, "a lighthouse")
        made(served, "a harbour")

        queue = QueueTab(new_page(served, browser))
        queue.open()
        expect(queue.row("a lighthouse").locator(".st-job-about")).to_contain_text("by ada")
        expect(queue.row("a harbour").locator(".st-job-about")).not_to_contain_text("by ")
        queue.row("a lighthouse").get_by_role("button", name="Details").click()
        expect(queue.page.get_by_role("dialog")).to_contain_text("Byada")
        assert queue.tab.faults == []
        queue.tab.context.close()

        history = HistoryTab(new_page(served, browser))
        history.open()
        history.view("a lighthouse")
        facts = history.viewer.get_by_role("complementary").locator("dl")
        expect(facts).to_contain_text("Byada")
        history.tab.context.close()


def test_who_sees_only_their_own_is_told_nothing_of_whoever_comes_first(
    browser: Browser, tmp_path: Path
) -> None:
    with serve_page(tmp_path, api_key="the key of the house", owners=True) as served:
        secret = served.studio.key_ring._keys.add("ada", Scope.SUBMIT)
        served.engine.hold()
        try:
            submit(served, "somebody else's wish")
            served.engine.wait_until_sampling()
            with asking(Caller("ada", Scope.SUBMIT)):
                submit(served, "a lighthouse")
            queue = QueueTab(new_page(served, browser, key=secret))
            queue.open()
            expect(queue.row("a lighthouse")).to_contain_text("Next")
            expect(queue.chip("processing")).to_contain_text("0")
            expect(queue.page.locator("body")).not_to_contain_text("somebody else's wish")
        finally:
            served.engine.release()
        expect(queue.badge("a lighthouse")).to_have_text("Done")
        queue.tab.show("history")
        expect(queue.page.locator("#history .st-gallery-count")).to_have_text("1 picture")
        assert queue.tab.faults == []
        queue.tab.context.close()


def test_what_a_key_is_not_for_is_not_offered(browser: Browser, tmp_path: Path) -> None:
    house = "the key of the house"
    with serve_page(tmp_path, api_key=house) as served:
        secret = served.studio.key_ring._keys.add("ada", Scope.SUBMIT)
        served.engine.hold()
        try:
            submit(served, "in work", "waits", "waits, too")
            for key, is_offered in ((secret, False), (house, True)):
                queue = QueueTab(new_page(served, browser, key=key))
                queue.open()
                root = queue.page.locator("html")
                expect(root).to_have_attribute("data-scope", "admin" if is_offered else "submit")
                expect(queue.root.get_by_role("button", name="Pause the queue")).to_be_visible(
                    visible=is_offered
                )
                expect(queue.deed("waits, too", "To the front")).to_be_visible(visible=is_offered)
                expect(queue.deed("waits, too", "Details")).to_be_visible()
                expect(queue.grip("waits, too")).to_be_visible(visible=is_offered)
                expect(queue.row("waits, too").locator(".st-job-place")).to_be_visible()
                queue.tab.show("models")
                start = queue.page.get_by_role("button", name="Start")
                expect(start.first).to_be_visible(visible=is_offered)
                expect(queue.page.get_by_role("button", name="Add a model")).to_be_visible(visible=is_offered)
                queue.tab.show("txt2img")
                expect(queue.page.locator("#txt2img-go")).to_be_visible()
                assert queue.tab.faults == []
                queue.tab.context.close()
        finally:
            served.engine.release()
