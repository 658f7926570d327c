"""One studio with the real engine for the tests that only ask it for pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.running import RunningStudio, running_studio


@pytest.fixture(scope="session")
def studio(engine_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A running studio that tests share: they leave it alive and its queue empty."""
    with running_studio(
        tmp_path_factory.mktemp("outputs"), engine_binary, "--webhook-hosts", "127.0.0.1"
    ) as running:
        yield running
