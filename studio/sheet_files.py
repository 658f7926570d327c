"""SheetFiles: the contact sheets under outputs/, one for each grid that is complete."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from studio import files


class SheetFiles:
    """Owns sheets/ under `root`. Any thread. Errors of all: StorageFull."""

    def __init__(self, root: Path) -> None:
        self._folder = root.resolve() / "sheets"

    def find(self, grid_id: str, digest: str) -> Path | None:
        """The stored sheet of this grid as it is now, or None."""
        path = self._path(grid_id, digest)
        return path if path.is_file() else None

    def save(self, grid_id: str, digest: str, png: bytes) -> Path:
        """Store a sheet in the place of an earlier one."""
        path = self._path(grid_id, digest)
        files.write_all([(path, png)])
        self._remove(name for name in self._names() if name.startswith(grid_id) and name != path.name)
        return path

    def remove(self, grid_id: str) -> None:
        """Remove what is stored for a grid, if anything is."""
        self._remove(name for name in self._names() if name.startswith(grid_id))

    def sweep(self, known: Callable[[Sequence[str]], set[str]]) -> None:
        """Remove what a crash left behind; `known` gets ids of grids and answers with those there are."""
        names = self._names()
        ids = {name: name.rpartition("-")[0] for name in names}
        there = known(sorted(set(ids.values())))
        self._remove(name for name in names if ids[name] not in there)

    def _path(self, grid_id: str, digest: str) -> Path:
        return self._folder / f"{grid_id}-{digest}.png"

    def _names(self) -> list[str]:
        try:
            return sorted(path.name for path in self._folder.iterdir())
        except FileNotFoundError:
            return []

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            files.remove(self._folder / name)
