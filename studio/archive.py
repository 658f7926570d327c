"""Archives: many files as one ZIP that is made while it is sent, without a temporary file."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from zipstream import ZipStream


class Archive:
    """A ZIP whose length is known before its first byte. It is read once, by one thread.

    Nothing is compressed: pictures are already, and only so the length is known.
    """

    def __init__(self, parts: Iterable[tuple[str, Path | bytes]]) -> None:
        """`parts`: (name, content), a file by its path. Errors: FileNotFoundError."""
        self._stream = ZipStream(sized=True)
        for name, content in parts:
            if isinstance(content, Path):
                self._stream.add_path(content, name, recurse=False)
            else:
                self._stream.add(content, name)

    @property
    def size(self) -> int:
        """How many bytes there will be."""
        return len(self._stream)

    def __iter__(self) -> Iterator[bytes]:
        """The bytes, piece by piece. Errors: OSError if a file went meanwhile: the ZIP can't be finished."""
        yield from self._stream
