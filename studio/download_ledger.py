"""DownloadLedger: which downloads there were, in a file beside the pictures, so that a restart knows them."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from studio import files
from studio.download import Download, DownloadState
from studio.errors import StorageFull

log = logging.getLogger(__name__)

_ROWS = TypeAdapter(list[Download])


class DownloadLedger:
    """Reads and writes the file whole. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Download]:
        """The downloads, oldest first; what was busy when the studio ended is interrupted."""
        try:
            rows = _ROWS.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            # Nothing is lost but the list: the parts lie beside their files, and are gone on with.
            log.warning("the list of downloads in %s can't be read: %s", self._path, error)
            return []
        ended = {"state": DownloadState.INTERRUPTED, "speed": None}
        return [row.model_copy(update=ended) if row.state.is_active else row for row in rows]

    def write(self, rows: Sequence[Download]) -> None:
        """Replace the list. A full disk is logged, not raised: the downloads themselves will tell."""
        content = json.dumps([row.model_dump(mode="json") for row in rows], indent=1)
        try:
            files.write_all([(self._path, content.encode())])
        except StorageFull as error:
            log.warning("the list of downloads is not kept: %s", error)
