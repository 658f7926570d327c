"""Preparation: getting the engine's program ready in the background while the studio already serves."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from studio.engine import EngineState, EngineStatus
from studio.errors import Interrupted, StudioError
from studio.events import ENGINE, EventBus
from studio.sdserver.install_progress import ConsoleProgress, InstallProgress, Reporter

log = logging.getLogger(__name__)

GetReady = Callable[[Reporter, threading.Event], Path]
"""Finds or builds the program, reporting; ends early with an Interrupted when the event is set."""


class Preparation:
    """One thread that ends with the path of the engine, or with a sentence about why there is none.

    Owner: the studio. `status` and `is_ready` from any thread.
    """

    def __init__(self, get_ready: GetReady, bus: EventBus, *, show: bool = False) -> None:
        """`show` draws a progress bar on standard error."""
        self._get_ready = get_ready
        self._bus = bus
        self._show = show
        self._stop = threading.Event()
        self._settled = threading.Event()
        self._path: Path | None = None
        self._status = EngineStatus(EngineState.PREPARING, detail="Looking for the engine")
        self._thread = threading.Thread(target=self._run, name="preparation", daemon=True)

    @property
    def status(self) -> EngineStatus:
        """PREPARING, then READY or UNAVAILABLE for good."""
        return self._status

    @property
    def is_ready(self) -> bool:
        return self._path is not None

    def path(self) -> Path:
        """The engine's program; only once `is_ready`."""
        if self._path is None:
            raise RuntimeError("the engine is not ready yet")
        return self._path

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Give up if still busy; returns when nothing of it runs. Idempotent, also before start."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with ExitStack() as stack:
            console = stack.enter_context(ConsoleProgress()) if self._show else None

            def report(progress: InstallProgress) -> None:
                if console is not None:
                    console(progress)
                fraction = progress.fraction if progress.total else None
                self._set(EngineStatus(EngineState.PREPARING, detail=progress.step, fraction=fraction))

            try:
                self._path = self._get_ready(report, self._stop)
            except Interrupted:
                log.info("engine preparation stopped")
            except StudioError as error:
                log.error("no engine: %s", error)
                self._set(EngineStatus(EngineState.UNAVAILABLE, detail=error.message))
            except Exception:
                log.exception("engine preparation failed")
                detail = "The engine could not be prepared; the log says why."
                self._set(EngineStatus(EngineState.UNAVAILABLE, detail=detail))
            else:
                log.info("engine ready: %s", self._path)
                self._set(EngineStatus(EngineState.READY))

    def _set(self, status: EngineStatus) -> None:
        if status != self._status:
            self._status = status
            self._bus.hint(ENGINE)
