"""Wildcards: text files whose lines may stand in for `__name__` in a prompt."""

import re
from pathlib import Path

from studio.errors import InvalidRequest

MAX_BYTES = 2_000_000
MAX_LINES = 20_000
SUFFIX = ".txt"

_NAME = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*")


class Wildcards:
    """The files of one folder, which need not exist. `__name__` means `name.txt`, `__a/b__` means `a/b.txt`.

    Files are read each time they are asked for, so that an edited one counts at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """What can be written between the underscores, in the order of the alphabet."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob(f"*{SUFFIX}") if path.is_file())
        names = (path.with_suffix("").as_posix() for path in found)
        return sorted(name for name in names if _NAME.fullmatch(name))

    def alternatives(self, name: str) -> tuple[str, ...]:
        """The lines of that file without comments (#) and blank ones; at least one.

        Errors: InvalidRequest naming the prompt: no such file, nothing in it, too large or no text.
        """
        if not _NAME.fullmatch(name):
            raise _wrong(
                f'"{name[:60]}" is no name of a wildcard: use small letters, digits, "-", "_" and "/" '
                "(or write \\__ for underscores that mean themselves)"
            )
        path = self.folder / f"{name}{SUFFIX}"
        try:
            if path.stat().st_size > MAX_BYTES:
                raise _wrong(f"wildcards/{name}{SUFFIX} is over {MAX_BYTES // 1_000_000} MB; split it")
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise _wrong(
                f"there is no wildcard __{name}__: put a text file {name}{SUFFIX}, one alternative per line, "
                "into the folder wildcards beside models.yml (or write \\__ for plain underscores)"
            ) from None
        except (OSError, UnicodeDecodeError):
            raise _wrong(f"wildcards/{name}{SUFFIX} can't be read; it must be a text file in UTF-8") from None
        lines = (line.strip() for line in text.splitlines())
        found = tuple(line for line in lines if line and not line.startswith("#"))
        if not found:
            raise _wrong(f"wildcards/{name}{SUFFIX} holds no alternatives, only blank lines or comments")
        if len(found) > MAX_LINES:
            raise _wrong(f"wildcards/{name}{SUFFIX} has {len(found)} lines; the limit is {MAX_LINES}")
        return found


def _wrong(sentence: str) -> InvalidRequest:
    return InvalidRequest(sentence, field="prompt")
