"""LogTail: the last lines a child printed."""

import threading
from collections import deque

_LINE_BYTES = 4096


class LogTail:
    """The last `keep` lines of a byte stream, as text; a bar redrawn with carriage returns counts once.

    Thread-safe: the stream's reader feeds it, anybody reads it. Memory is bounded whatever is fed.
    """

    def __init__(self, keep: int = 200) -> None:
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque(maxlen=keep)
        self._open = b""
        self._count = 0

    def feed(self, chunk: bytes) -> None:
        """Add the next bytes of the stream; a chunk may end anywhere."""
        with self._lock:
            *whole, rest = (self._open + chunk).split(b"\n")
            for line in whole:
                self._lines.append(line[-_LINE_BYTES:])
            self._count += len(whole)
            self._open = rest[-_LINE_BYTES:]

    def clear(self) -> None:
        """Forget everything so far: a new job begins."""
        with self._lock:
            self._lines.clear()
            self._open = b""

    @property
    def count(self) -> int:
        """How many whole lines were ever fed."""
        with self._lock:
            return self._count

    def lines(self) -> tuple[str, ...]:
        """The kept lines, oldest first, an unfinished last one included; empty ones left out."""
        with self._lock:
            kept = [*self._lines, self._open]
        shown = (line.rstrip(b"\r").rpartition(b"\r")[2].replace(b"\x1b[K", b"") for line in kept)
        return tuple(line.decode("utf-8", "replace").rstrip() for line in shown if line.strip())
