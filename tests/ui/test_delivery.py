"""How the page travels: compressed, and a second time only where something changed."""

import httpx
import pytest

from tests.ui.studio_page import Served


def _size(served: Served, path: str, encoding: str) -> int:
    """The bytes of an answer as they travel."""
    headers = {"Accept-Encoding": encoding}
    with httpx.stream("GET", f"{served.base}{path}", headers=headers, timeout=30, trust_env=False) as answer:
        assert answer.headers.get("Content-Encoding", "identity") == encoding
        return sum(len(part) for part in answer.iter_raw())


@pytest.mark.parametrize("path", ["", "studio-assets/js/lightbox.js", "studio-assets/studio.css"])
def test_what_is_long_travels_compressed_to_those_who_can_read_that(served: Served, path: str) -> None:
    assert _size(served, path, "gzip") < _size(served, path, "identity") / 2


def test_a_script_that_has_not_changed_does_not_travel_again(served: Served) -> None:
    address = f"{served.base}studio-assets/js/dom.js"
    with httpx.Client(timeout=30, trust_env=False) as client:
        tag = client.get(address).headers["ETag"]
        again = client.get(address, headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")
