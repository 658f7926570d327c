"""Downloads: the missing files of models, fetched in the background, two models at a time."""

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from studio.additions import Additions, NewModel
from studio.catalog import Catalog
from studio.clock import Clock
from studio.download import Download, DownloadFile, DownloadState
from studio.download_ledger import DownloadLedger
from studio.errors import Conflict, DownloadFailed, NotFound, Stopping, StopRequested
from studio.events import DOWNLOAD, EventBus, about
from studio.fetcher import Fetcher, wanted
from studio.source import Source

log = logging.getLogger(__name__)

AT_ONCE = 2
# How often the speed is looked at, in seconds, and over how many of these it is taken.
SAMPLED_EVERY = 0.5
SPEED_SAMPLES = 10
# How long a shutdown waits for a silent server; what came by then is kept in any case.
CLOSE_SECONDS = 3.0


class Downloads:
    """Every model has at most one download, which can be stopped and gone on with. Thread-safe."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        fetcher: Fetcher,
        additions: Additions,
        ledger: DownloadLedger,
        bus: EventBus,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._catalog = catalog
        self._fetcher = fetcher
        self._additions = additions
        self._ledger = ledger
        self._bus = bus
        self._clock = clock
        self._new_id = new_id
        self._lock = threading.RLock()
        self._rows = {row.id: row for row in ledger.read()}
        self._stops: dict[str, threading.Event] = {}
        self._discarded: set[str] = set()
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    # -- asking --------------------------------------------------------------------------------------

    def all(self) -> list[Download]:
        """Every download, newest first."""
        with self._lock:
            return sorted(self._rows.values(), key=lambda row: row.created_at, reverse=True)

    def get(self, download_id: str) -> Download:
        """Errors: NotFound."""
        with self._lock:
            row = self._rows.get(download_id)
        if row is None:
            raise NotFound(f"No download has the id {download_id[:64]!r}.")
        return row

    def of(self, model_id: str) -> Download | None:
        """The model's download, if it ever had one."""
        with self._lock:
            return next((row for row in self._rows.values() if row.model == model_id), None)

    # -- doing ---------------------------------------------------------------------------------------

    def begin(self, model_id: str) -> Download:
        """Have the model's missing files fetched, going on with what is there of them; returns at once.

        A download that is under way already is that one. Errors: UnknownModel; Conflict if nothing is
        missing, or nobody knows where it is to be had; Stopping.
        """
        model = self._catalog.model(model_id)
        files = wanted(model)
        with self._lock:
            if self._is_closed:
                raise Stopping("The studio is shutting down and downloads nothing new.")
            earlier = self.of(model.id)
            if earlier is not None and earlier.state.is_active:
                return earlier
            if not model.missing():
                raise Conflict(f"Model {model.id!r} is downloaded already.")
            if not files:
                raise Conflict(
                    f"models.yml names no source for {', '.join(model.missing())} of model {model.id!r}; "
                    "put the files in their place, or name one under `source`."
                )
            now = self._clock.now()
            resumed = earlier is not None and earlier.state is not DownloadState.COMPLETED
            row = Download(
                id=earlier.id if earlier is not None and resumed else self._new_id(),
                model=model.id,
                files=tuple(DownloadFile(key=file.key, path=file.given) for file in files),
                created_at=now,
                updated_at=now,
            )
            if earlier is not None:
                del self._rows[earlier.id]
            self._rows[row.id] = row
            self._stops[row.id] = threading.Event()
            self._discarded.discard(row.id)
            self._ledger.write(list(self._rows.values()))
            self._have_threads()
        self._waiting.put(row.id)
        log.info("download %s of model %s asked for", row.id, row.model)
        self._bus.hint(about(DOWNLOAD, row.id))
        return row

    def begin_new(self, new: NewModel, source: Source) -> Download:
        """Have a model that the catalogue doesn't know fetched from there; it is in the catalogue at once.

        Errors: InvalidRequest; UnknownModel; Conflict if there is one of that id; Stopping; StorageFull.
        """
        with self._lock:
            if self._is_closed:
                raise Stopping("The studio is shutting down and downloads nothing new.")
            model = self._additions.from_source(new, source)
        return self.begin(model.id)

    def cancel(self, download_id: str, *, discard: bool = False) -> Download:
        """The download after the wish to stop it, which it obeys within seconds. What came is kept to be gone
        on with, unless `discard`. Errors: NotFound; Conflict if it is complete; DownloadFailed."""
        row = self.get(download_id)
        if row.state is DownloadState.COMPLETED:
            raise Conflict(f"Model {row.model!r} is downloaded; there is nothing to cancel.")
        with self._lock:
            if discard:
                self._discarded.add(row.id)
            if row.id in self._stops:
                self._stops[row.id].set()
            is_idle = row.state is DownloadState.QUEUED or not row.state.is_active
        if is_idle:
            self._end(row.id, DownloadState.CANCELLED)
        return self.get(row.id)

    def close(self) -> None:
        """Stop all of them, to be gone on with after the next start. Idempotent."""
        with self._lock:
            self._is_closed = True
            threads, self._threads = self._threads, []
            for stop in self._stops.values():
                stop.set()
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join(CLOSE_SECONDS)

    # -- working -------------------------------------------------------------------------------------

    def _have_threads(self) -> None:
        while len(self._threads) < AT_ONCE:
            # Daemons: a silent server must not hold up the end of the process.
            thread = threading.Thread(target=self._work, name="download", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (download_id := self._waiting.get()) is not None:
            with self._lock:
                row, stop = self._rows.get(download_id), self._stops.get(download_id)
                if row is None or stop is None or row.state is not DownloadState.QUEUED or stop.is_set():
                    continue
                self._change(row.id, state=DownloadState.RUNNING)
            self._run(row, stop)

    def _run(self, row: Download, stop: threading.Event) -> None:
        speed = _Speed(self._clock)

        def report(file: DownloadFile, checking: bool) -> None:
            self._note(row.id, file, checking=checking, speed=None if checking else speed.of(file))

        try:
            self._fetcher.fetch(self._catalog.model(row.model), report=report, stop=stop)
        except StopRequested:
            self._end(row.id, DownloadState.INTERRUPTED if self._is_closed else DownloadState.CANCELLED)
        except DownloadFailed as error:
            self._end(row.id, DownloadState.FAILED, error.message)
        except Exception:
            log.exception("download %s of model %s failed", row.id, row.model)
            self._end(row.id, DownloadState.FAILED, "Something went wrong inside the studio; see its log.")
        else:
            self._end(row.id, DownloadState.COMPLETED)

    def _end(self, download_id: str, state: DownloadState, error: str | None = None) -> None:
        row = self.get(download_id)
        if download_id in self._discarded:
            try:
                self._fetcher.discard(self._catalog.model(row.model))
            except DownloadFailed as fault:
                error = fault.message
            row = row.model_copy(
                update={"files": tuple(file.model_copy(update={"done": 0}) for file in row.files)}
            )
        self._change(download_id, state=state, error=error, speed=None, files=row.files)
        log.info("download %s of model %s: %s%s", row.id, row.model, state, f": {error}" if error else "")

    def _change(self, download_id: str, **changes: Any) -> None:
        with self._lock:
            row = self._rows[download_id]
            changed = row.model_copy(update={**changes, "updated_at": self._clock.now()})
            self._rows[download_id] = changed
            if changed.state is not row.state:
                self._ledger.write(list(self._rows.values()))
        self._bus.hint(about(DOWNLOAD, download_id))

    def _note(self, download_id: str, file: DownloadFile, *, checking: bool, speed: float | None) -> None:
        """How far one of its files is. For every few kilobytes: who listens to the bus slows it down."""
        row = self.get(download_id)
        files = tuple(file if each.key == file.key else each for each in row.files)
        state = DownloadState.CHECKING if checking else DownloadState.RUNNING
        self._change(download_id, files=files, state=state, speed=speed)


class _Speed:
    """Bytes a second of the file in hand, over the last seconds. One thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque(maxlen=SPEED_SAMPLES)
        self._key = ""
        self._speed: float | None = None

    def of(self, file: DownloadFile) -> float | None:
        """The speed, now that the file stands so; None while that can't be said."""
        now = self._clock.monotonic()
        if file.key != self._key:
            self._key, self._speed = file.key, None
            self._samples.clear()
        if not self._samples or now - self._samples[-1][0] >= SAMPLED_EVERY:
            self._samples.append((now, file.done))
            began, first = self._samples[0]
            self._speed = (file.done - first) / (now - began) if now > began and file.done > first else None
        return self._speed
