"""One browser for all tests of the page, and the painter on a page of its own."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from studio.job import JobStatus
from tests.ui.history_tab import HistoryTab
from tests.ui.painter_page import PainterPage, PainterServer, chromium, serve_painter
from tests.ui.queue_tab import QueueTab, empty
from tests.ui.studio_page import Served, StudioPage, new_page, serve_page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gradio leaves sockets to the garbage collector, which complains in whatever test it runs."""
    leaky = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    for item in items:
        if "tests/ui/" in item.path.as_posix():
            item.add_marker(leaky)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; only one can be driven at a time, so every test of the page shares it."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def painter_server() -> Iterator[PainterServer]:
    """A server whose only page is the painter."""
    with serve_painter() as running:
        yield running


@pytest.fixture
def open_painter(painter_server: PainterServer, browser: Browser) -> Iterator[Callable[..., PainterPage]]:
    """Opens pages with the painter; a test in which one of them complained has failed."""
    pages: list[PainterPage] = []

    def plan(width: int = 1280, height: int = 900, ratio: float = 1, **settings: object) -> PainterPage:
        context = browser.new_context(
            viewport={"width": width, "height": height}, device_scale_factor=ratio, **settings
        )
        pages.append(PainterPage(painter_server, context))
        return pages[-1]

    yield plan
    for page in pages:
        page.page.context.close()
    assert [page.faults for page in pages] == [[] for _ in pages]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio with its page for the tests of a file: they leave its engine free."""
    with serve_page(tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture
def open_page(served: Served, browser: Browser) -> Iterator[Callable[..., StudioPage]]:
    """Opens the page in fresh profiles; a test in which one of them complained has failed."""
    pages: list[StudioPage] = []

    def plan(tab: str = "txt2img", *, width: int = 1280, height: int = 800) -> StudioPage:
        pages.append(new_page(served, browser, width=width, height=height))
        pages[-1].open(tab)
        return pages[-1]

    yield plan
    for page in pages:
        page.context.close()
    assert [page.faults for page in pages] == [[] for _ in pages]


@pytest.fixture
def held(served: Served) -> Iterator[Served]:
    """Jobs stop in the middle until the test lets them go on; those that still wait then are cancelled."""
    served.engine.hold()
    yield served
    for job in served.studio.jobs(status=JobStatus.PENDING).rows:
        served.studio.cancel(job.id)
    served.engine.release()


@pytest.fixture
def open_queue(served: Served, browser: Browser) -> Iterator[Callable[..., QueueTab]]:
    """Opens the Queue tab in fresh profiles; a test in which a page complained has failed.

    `with_forms` waits until the forms of the other tabs are filled as well.
    """
    tabs: list[QueueTab] = []

    def plan(*, with_forms: bool = False) -> QueueTab:
        tabs.append(QueueTab(new_page(served, browser)))
        if with_forms:
            tabs[-1].tab.open()
            tabs[-1].show()
        else:
            tabs[-1].open()
        return tabs[-1]

    yield plan
    for queue in tabs:
        queue.tab.context.close()
    assert [queue.tab.faults for queue in tabs] == [[] for _ in tabs]


@pytest.fixture
def held_queue(served: Served) -> Iterator[Served]:
    """Jobs stop in the middle until the test lets them go on; nothing waits or runs at the end of it."""
    served.engine.hold()
    yield served
    empty(served)


@pytest.fixture
def open_history(served: Served, browser: Browser) -> Iterator[Callable[..., HistoryTab]]:
    """Opens the History tab in fresh profiles; a test in which a page complained has failed.

    `with_forms` waits until the forms of the other tabs are filled as well.
    """
    tabs: list[HistoryTab] = []

    def plan(*, with_forms: bool = False, width: int = 1280, height: int = 800) -> HistoryTab:
        tabs.append(HistoryTab(new_page(served, browser, width=width, height=height)))
        tabs[-1].open(with_forms=with_forms)
        return tabs[-1]

    yield plan
    for history in tabs:
        history.tab.context.close()
    assert [history.tab.faults for history in tabs] == [[] for _ in tabs]
