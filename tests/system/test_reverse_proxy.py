"""The studio under a path of a real nginx: the page in a browser, pictures, events, uploads and addresses."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Page, Request, Response, expect

from tests.system.nginx import nginx_before
from tests.system.running import RunningStudio, running_studio, until
from tests.ui.painter_page import chromium, picture_bytes

pytestmark = pytest.mark.engine

PROMPT = "a red circle on a blue background"
FILLED = """() => ["txt2img", "edit", "variations"].every(
    form => (document.body.dataset.filled ?? "").split(" ").includes(form))"""


@pytest.fixture(scope="module")
def studio(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A studio that is told its path."""
    flags = ("--root-path", "/studio", "--allowed-hosts", "studio.example")
    with running_studio(tmp_path_factory.mktemp("outputs"), engine_binary, *flags) as running:
        until(lambda: any("the page is ready" in line for line in running.log))
        yield running


@pytest.fixture(scope="module", params=[False, True], ids=["path kept", "path taken off"])
def front(
    studio: RunningStudio, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
    """The address that visitors use, without the path."""
    with nginx_before(studio.base, tmp_path_factory.mktemp("nginx"), takes_off=request.param) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def visitor(front: str) -> Iterator[httpx.Client]:
    """A program that talks to the studio through nginx."""
    with httpx.Client(base_url=f"{front}/studio", timeout=120, trust_env=False) as client:
        yield client


class Visit:
    """A browser's tab with the page; `asked` is every address it asked for, `faults` what went wrong."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))
        page.on("requestfailed", self._failed)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("console", self._said)
        page.on("response", self._answered)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # a picture or stream that the page itself let go
            self.faults.append(f"{request.failure} for {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} for {response.url}")

    def outside(self, front: str) -> list[str]:
        """What it asked for that does not lie under the path."""
        own = (f"{front}/studio/", "data:", f"blob:{front}/")
        return [url for url in self.asked if not url.startswith(own)]


def test_the_page_lives_under_the_path(front: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    visit = Visit(context.new_page())
    page = visit.page

    page.goto(f"{front}/studio/")
    page.wait_for_function(FILLED)
    before = page.locator("#txt2img-stage .st-shot[data-id]").count()
    page.locator("#txt2img-prompt textarea").first.fill(PROMPT)
    page.locator("#txt2img-go").click()
    shots = page.locator("#txt2img-stage .st-shot[data-id]")
    expect(shots).to_have_count(before + 1, timeout=60_000)
    expect(shots.first.locator("img")).to_have_js_property("naturalWidth", 128)
    # Live: the strip hears of it by the stream of events.
    thumb = page.locator("#strip img").first
    expect(thumb).to_be_visible()
    assert thumb.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0

    page.locator('#tabs button[role=tab][data-tab-id="variations"]').first.click()
    picker = page.locator("#variations-picker")
    upload = FilePayload(name="source.png", mimeType="image/png", buffer=picture_bytes(96, 64))
    picker.locator("input[type=file]").set_input_files(upload)
    expect(picker).to_contain_text("96 × 64")

    assert page.locator("head link[rel=manifest]").count() == 0
    assert any(url.endswith("/studio/api/events") for url in visit.asked)
    assert visit.outside(front) == []
    assert visit.faults == []
    context.close()


def test_the_path_without_its_slash_leads_to_the_page(front: str) -> None:
    answer = httpx.get(f"{front}/studio", trust_env=False)

    assert answer.status_code in (301, 308)
    assert answer.headers["location"].removeprefix(front) == "/studio/"


def test_the_page_hears_of_jobs_that_others_send(front: str, browser: Browser, visitor: httpx.Client) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{front}/studio/")
    page.locator("#pulse .st-bar").wait_for(timeout=30_000)

    with page.expect_response(lambda answer: "/studio/api/images/" in answer.url, timeout=60_000):
        made = visitor.post("/api/generate", json={"prompt": "made by somebody else"}).raise_for_status()

    image = made.json()["data"][0]["id"]
    page.locator(f'#strip img[src*="{image}"]').wait_for(timeout=30_000)
    context.close()


def test_the_documentation_opens_under_the_path(front: str, browser: Browser) -> None:
    context = browser.new_context()
    visit = Visit(context.new_page())

    visit.page.goto(f"{front}/studio/api/docs")
    expect(visit.page.locator("#operations-Generate-generate, .opblock").first).to_be_visible(timeout=30_000)

    assert visit.outside(front) == []
    assert visit.faults == []
    context.close()


def test_events_pass_as_they_happen(visitor: httpx.Client) -> None:
    with visitor.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: state"
        job_id = visitor.post("/api/queue/generate", json={"prompt": PROMPT}).json()["job_id"]
        event = ""
        for line in lines:
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: ") and event == "job_completed":
                assert json.loads(line.removeprefix("data: "))["job"]["id"] == job_id
                break


def test_addresses_in_answers_are_the_visitors(front: str, visitor: httpx.Client) -> None:
    made = visitor.post("/v1/images/generations", json={"prompt": PROMPT, "response_format": "url"})
    url = made.raise_for_status().json()["data"][0]["url"]

    assert url.startswith(f"{front}/studio/api/images/")
    assert httpx.get(url, trust_env=False).content.startswith(b"\x89PNG")
    assert visitor.get("/api/openapi.json").json()["servers"] == [{"url": "/studio/api"}]
    assert visitor.get("/sdapi/v1/samplers").status_code == 200


def test_an_upload_of_twenty_megabytes_passes_and_a_larger_one_is_the_studios_to_refuse(
    visitor: httpx.Client,
) -> None:
    padded = picture_bytes(64, 64) + bytes(19 * 2**20)
    assert visitor.post("/api/inputs", files={"image": ("a.png", padded, "image/png")}).status_code == 200
    larger = visitor.post("/api/inputs", files={"image": ("a.png", bytes(21 * 2**20), "image/png")})
    assert larger.status_code == 413
    assert list(larger.json()) == ["error"]


@pytest.mark.parametrize("path", ["/", "/api/health", "/v1/models", "/api/docs"])
def test_a_name_that_is_not_the_studios_is_refused(visitor: httpx.Client, path: str) -> None:
    assert visitor.get(path, headers={"Host": "studio.example"}).status_code == 200
    assert visitor.get(path, headers={"Host": "evil.example"}).status_code == 421
    # What a visitor says about proxies is not passed on.
    forged = {"Host": "evil.example", "X-Forwarded-Host": "studio.example"}
    assert visitor.get(path, headers=forged).status_code == 421


def test_pages_of_other_sites_may_not_write(front: str, visitor: httpx.Client) -> None:
    def write(origin: str) -> int:
        sent = visitor.post("/api/queue/cancel", json={"status": "pending"}, headers={"Origin": origin})
        return sent.status_code

    assert write(front) == 200
    assert write("http://evil.example") == 403
