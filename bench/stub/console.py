"""What sd-server prints: log lines and progress bars, unbuffered."""

import os
import threading

_BAR = 50


def progress_bar(step: int, steps: int, speed: str) -> str:
    """One bar exactly as the engine draws it; only the last step ends the line."""
    done = int(step * _BAR / steps) if steps else 0
    bar = "".join(
        " " if place > done else (">" if place == done and place != _BAR - 1 else "=")
        for place in range(_BAR)
    )
    return f"\r  |{bar}| {step}/{steps} - {speed}\x1b[K" + ("\n" if step == steps else "")


def step_speed(seconds: float) -> str:
    """The speed of one step in the engine's two units."""
    return f"{1 / seconds:.2f}it/s" if 0 < seconds < 1 else f"{seconds:.2f}s/it"


class Console:
    """Writes whole pieces of text; a reader that went away is no error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def write(self, text: str, *, error: bool = False) -> None:
        """Put `text` on standard output, or on standard error, at once."""
        rest = text.encode()
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(2 if error else 1, rest) :]
            except OSError:
                pass

    def info(self, source: str, line: int, message: str) -> None:
        """Write an [INFO ] line as from that line of the engine's source."""
        self.write(f"[INFO ] {source}:{line:<4d} - {message}\n")
