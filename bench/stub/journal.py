"""The stub's log: one JSON object a line."""

import json
import os
import time
from typing import Any

Record = dict[str, Any]
"""The fields of one request as they go to the log; filled in as the request goes on."""


class Journal:
    """Appends lines to a file; does nothing without a path. Safe to share between threads and processes."""

    def __init__(self, path: str, model: str) -> None:
        self._model = model
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644) if path else None

    def write(self, event: str, **fields: Any) -> None:
        """Append one line, stamped with the process, the model and both clocks; `fields` win."""
        if self._file is None:
            return
        line: Record = {
            "ev": event,
            "pid": os.getpid(),
            "model": self._model,
            "t": time.monotonic(),
            "wall": time.time(),
        }
        line.update(fields)
        # One write(2) on an O_APPEND file: lines of several processes don't mix.
        os.write(self._file, (json.dumps(line) + "\n").encode())
