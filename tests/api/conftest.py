"""Studios behind real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.serving import Served, serving


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for the tests of a file: they leave its queue empty and its engine free."""
    with serving(tmp_path_factory.mktemp("studio")) as running:
        yield running


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A studio of the test's own."""
    with serving(tmp_path) as running:
        yield running
