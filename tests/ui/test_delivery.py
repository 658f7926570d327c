"""How the page travels: compressed, and a second time only where something changed."""

import re

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.ui.studio_page import Served, new_page


def _size(served: Served, path: str, encoding: str) -> int:
    """The bytes of an answer as they travel."""
    headers = {"Accept-Encoding": encoding}
    with httpx.stream("GET", f"{served.base}{path}", headers=headers, timeout=30, trust_env=False) as answer:
        assert answer.headers.get("Content-Encoding", "identity") == encoding
        return sum(len(part) for part in answer.iter_raw())


@pytest.mark.parametrize("path", ["", "studio-assets/js/lightbox.js", "studio-assets/studio.css"])
def test_what_is_long_travels_compressed_to_those_who_can_read_that(served: Served, path: str) -> None:
    assert _size(served, path, "gzip") < _size(served, path, "identity") / 2


def test_who_comes_back_asks_for_no_script_again(served: Served, browser: Browser) -> None:
    tab = new_page(served, browser)
    tab.open("queue")
    first = _scripts(tab.page)
    assert len(first) > 20
    assert {address.split("/studio-assets/")[1].partition("/")[0] for address in first} == {_version(served)}
    assert all(size > 0 for size in first.values())

    tab.page.goto("about:blank")
    tab.open("queue")

    again = _scripts(tab.page)
    assert len(again) > 20
    assert set(again.values()) == {0}
    tab.page.context.close()


def _scripts(page: Page) -> dict[str, int]:
    """{address: bytes that travelled, headers included} of our scripts that the page was given."""
    said = page.evaluate(
        "performance.getEntriesByType('resource').map(entry => [entry.name, entry.transferSize])"
    )
    return {name: size for name, size in said if "/studio-assets/" in name and name.endswith(".js")}


def _version(served: Served) -> str:
    page = httpx.get(served.base, timeout=30, trust_env=False).text
    (version,) = re.findall(r'"./studio-assets/js/": "./studio-assets/([0-9a-f]{12})/js/"', page)
    return str(version)


def test_what_has_its_version_in_its_address_is_kept_and_nothing_else(served: Served) -> None:
    def kept(path: str) -> tuple[int, str | None]:
        answer = httpx.get(f"{served.base}studio-assets/{path}", timeout=30, trust_env=False)
        return answer.status_code, answer.headers.get("Cache-Control")

    version = _version(served)
    assert kept(f"{version}/js/dom.js") == (200, "max-age=31536000, immutable")
    assert kept("js/dom.js") == kept(f"{'0' * 12}/js/dom.js") == (200, "no-cache")
    for path in (f"{version}/js/none.js", f"{version}/../../mount.py", f"{version}/{version}/js/dom.js"):
        assert kept(path)[0] == 404
        assert "immutable" not in (kept(path)[1] or "")


def test_a_script_that_has_not_changed_does_not_travel_again(served: Served) -> None:
    address = f"{served.base}studio-assets/js/dom.js"
    with httpx.Client(timeout=30, trust_env=False) as client:
        tag = client.get(address).headers["ETag"]
        again = client.get(address, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
