"""Harm done to an SQLite file, as a failing disk does it."""

from pathlib import Path

PAGE = 4096
_LOG_HEADER, _FRAME_HEADER = 32, 24


def overwrite_a_page(path: Path) -> None:
    """Fill with rubbish the last page of which the write-ahead log has no copy: that one would heal it."""
    log = path.with_name(f"{path.name}-wal")
    frames = log.read_bytes()[_LOG_HEADER:] if log.exists() else b""
    step = _FRAME_HEADER + PAGE
    logged = {int.from_bytes(frames[at : at + 4]) for at in range(0, len(frames), step)}
    pages = range(1, path.stat().st_size // PAGE + 1)
    number = max(page for page in pages if page not in logged)
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE)
        file.write(b"\xa5" * PAGE)
