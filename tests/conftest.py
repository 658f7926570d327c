"""What every layer of tests shares: the real engine, installed once outside the checkout."""

import os
import threading
from pathlib import Path

import pytest

from studio.sdserver.install import ensure_engine


@pytest.fixture(scope="session")
def engine_binary() -> Path:
    """The real sd-server: as the studio finds it, or built now, which takes minutes once per machine."""
    explicit = os.environ.get("STUDIO_SD_SERVER")
    return ensure_engine(
        Path(explicit) if explicit else None, report=lambda progress: None, stop=threading.Event()
    )
