"""Workshops."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.behaviour.workshop import Workshop, open_workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A studio of the test's own, which nobody started."""
    with open_workshop(tmp_path) as workshop:
        yield workshop
