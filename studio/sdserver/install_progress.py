"""How far the getting of the engine is, and showing that on a terminal."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Never, Self, TextIO

from tqdm import tqdm


@dataclass(frozen=True)
class InstallProgress:
    """One moment of finding, building or downloading the engine.

    `step` is a sentence for people without its full stop. `done` of `total` counts the parts of this step:
    bytes if `in_bytes`, else files to compile. `total` 0 means that nobody knows how long the step takes.
    """

    step: str
    done: int = 0
    total: int = 0
    in_bytes: bool = False

    @property
    def fraction(self) -> float:
        """0..1; 0 while the length is unknown. Of a build only the one long step has a length, so
        over a whole build it never falls."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


Reporter = Callable[[InstallProgress], None]
"""Called often, by the thread that installs; what it raises ends the installation cleanly."""


class ConsoleProgress:
    """A Reporter for people: a bar on a terminal, else a plain line per step and every 5 percent.

    To be used as a context, by one thread.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream` is standard error unless said otherwise."""
        self._stream = sys.stderr if stream is None else stream
        self._bar: tqdm[Never] | None = None
        self._step = ""
        self._next_percent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_bar()

    def __call__(self, progress: InstallProgress) -> None:
        if progress.step != self._step:
            self._close_bar()
            self._step = progress.step
            self._next_percent = 0
            if progress.total <= 0:
                self._say(progress.step)
        if progress.total <= 0:
            return
        if self._stream.isatty():
            self._draw(progress)
        else:
            self._write(progress)

    def _draw(self, progress: InstallProgress) -> None:
        if self._bar is None:
            self._bar = tqdm(
                desc=progress.step,
                total=progress.total,
                unit="B" if progress.in_bytes else "",
                unit_scale=progress.in_bytes,
                file=self._stream,
            )
        self._bar.total = progress.total
        self._bar.update(progress.done - self._bar.n)

    def _write(self, progress: InstallProgress) -> None:
        percent = int(progress.fraction * 100)
        if percent < self._next_percent:
            return
        self._next_percent = percent - percent % 5 + 5
        self._say(f"{progress.step}: {percent} %")

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
