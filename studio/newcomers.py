"""Newcomers: entries that another program writes into models.d while the studio runs."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from studio.catalog import Catalog, additions, load_addition
from studio.errors import ConfigurationError, Conflict

log = logging.getLogger(__name__)


class Newcomers:
    """Has the catalogue know them once somebody looks: one listing of a folder each time. Thread-safe.

    An entry is read once: a changed or removed one counts after the next start, since jobs rely on it.
    """

    def __init__(self, path: Path, catalog: Catalog, on_new: Callable[[str], None]) -> None:
        """`path` is the catalogue's file; `on_new` is told the id of each new entry, in any thread."""
        self._path = path
        self._catalog = catalog
        self._on_new = on_new
        self._lock = threading.Lock()
        self._known: set[str] = set()
        # A file that somebody is writing by hand is looked at again once it changes.
        self._refused: dict[str, tuple[int, int]] = {}

    def look(self) -> None:
        """Notice what came since the last look; a file that can't be used is told in the log, once."""
        with self._lock:
            new = [model for file in self._unknown_files() for model in self._taken(file)]
        for model_id in new:
            log.info("model %s came into the catalogue", model_id)
            self._on_new(model_id)

    def _unknown_files(self) -> list[Path]:
        try:
            return [file for file in additions(self._path) if file.name not in self._known]
        except OSError:  # a folder we may not look into has nothing new
            return []

    def _taken(self, file: Path) -> list[str]:
        """The ids of the file's entries that are new."""
        try:
            about = file.stat()
            stamp = (about.st_mtime_ns, about.st_size)
            if self._refused.get(file.name) == stamp:
                return []
            self._refused[file.name] = stamp
            new = [model.id for model in load_addition(file, self._path) if self._catalog.add(model)]
        except (ConfigurationError, Conflict, OSError) as fault:
            log.warning("models.d: %s is left out: %s", file.name, fault)
            return []
        self._known.add(file.name)
        return new
