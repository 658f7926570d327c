"""A studio whose worker a test drives step by step: real database and files, fake engine and clock."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from studio.assembly import open_studio
from studio.catalog import load_catalog
from studio.engine import EngineState
from studio.job import AttemptOutcome, Job, JobStatus
from studio.service import Studio
from studio.settings import Settings
from studio.worker import Worker
from tests.builders import a_params
from tests.fake_engine import FakeEngine
from tests.fakes import FakeClock

T = TypeVar("T")
MODELS = """
default: demo
models:
  demo: {name: Demonstration, builtin: demo, ttl: 60, defaults: {size: 128x128, steps: 8}}
  other: {name: Another, builtin: demo, ttl: 0, defaults: {size: 128x128, steps: 8}}
  resident: {name: Never goes, builtin: demo, ttl: null, defaults: {size: 128x128, steps: 8}}
"""


class Workshop:
    """The studio, its worker, and what a test may do to them."""

    def __init__(self, studio: Studio, engine: FakeEngine, clock: FakeClock, folder: Path) -> None:
        self.studio = studio
        self.engine = engine
        self.clock = clock
        self.outputs = folder / "outputs"
        # Faces never see it; these tests are about nothing else.
        self.worker: Worker = studio._worker
        self.pool = ThreadPoolExecutor(4)

    def prepare(self) -> None:
        """Have the engine ready, as the start of a studio does."""
        self.studio._preparation.start()
        self.studio._preparation._thread.join(30)

    def submit(self, **changes: Any) -> str:
        """The id of a new job."""
        return self.studio.submit(a_params(**changes)).id

    def job(self, job_id: str) -> Job:
        """The job as it is now."""
        return self.studio.job(job_id)

    def run(self) -> bool:
        """Do the next job, its pictures saved."""
        done = self.worker.run_once()
        self.worker.settle()
        return done

    def meanwhile(self, work: Callable[[], T]) -> "Future[T]":
        """Do something in another thread."""
        return self.pool.submit(work)

    def outcomes(self, job_id: str) -> list[AttemptOutcome]:
        """How each execution of the job ended."""
        return [attempt.outcome for attempt in self.studio.attempts(job_id)]

    def pictures(self) -> list[Path]:
        """The files of all pictures."""
        return list(self.outputs.glob("images/*/*.png"))

    @contextmanager
    def saver_busy(self) -> Iterator[None]:
        """While the context is open nothing is saved."""
        free = threading.Event()
        self.worker._saver._thread.submit(free.wait)
        try:
            yield
        finally:
            free.set()

    def wait_for_engine(self, state: EngineState) -> None:
        """Returns when the engine is in that state; AssertionError if it never is."""
        changed = threading.Event()
        with self.studio.bus.listen(lambda _: changed.set()):
            while self.studio.engine.state is not state:
                assert changed.wait(30), f"the engine does not become {state}"
                changed.clear()

    def wait_for_status(self, job_id: str, status: JobStatus) -> Job:
        """The job once it has that status; AssertionError if it never has."""
        changed = threading.Event()
        with self.studio.bus.listen(lambda _: changed.set()):
            while self.job(job_id).status is not status:
                assert changed.wait(30), f"job {job_id} does not become {status}"
                changed.clear()
        return self.job(job_id)


@contextmanager
def open_workshop(
    folder: Path, engine: FakeEngine | None = None, models: str = MODELS, **settings: Any
) -> Iterator[Workshop]:
    """A studio that nobody started."""
    catalogue = folder / "models.yml"
    catalogue.write_text(models)
    engine, clock = engine or FakeEngine(), FakeClock()
    places: dict[str, Any] = {
        "outputs": folder / "outputs", "models": catalogue, "database": str(folder / "studio.db"),
    }  # fmt: skip
    catalog = load_catalog(catalogue)
    studio = open_studio(Settings(**places | settings), catalog=catalog, engine=engine, clock=clock)
    workshop = Workshop(studio, engine, clock, folder)
    try:
        yield workshop
    finally:
        engine.release()
        studio.hurry()
        studio.close()
        workshop.pool.shutdown()
