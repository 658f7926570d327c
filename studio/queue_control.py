"""QueueControl: what people do to the queue as a whole: pause it, rearrange it, cancel many, try again."""

import hashlib
import logging
from collections.abc import Sequence

from studio.admission import Admission
from studio.caller import asker
from studio.errors import Conflict, NotFound
from studio.events import QUEUE, EventBus
from studio.job import Job
from studio.queue_order import QueueOrder
from studio.scheduling import Place
from studio.store import JobStore, is_id
from studio.worker import Worker

log = logging.getLogger(__name__)


class QueueControl:
    """Changes the queue and tells whoever cares. Thread-safe; owner: the studio."""

    def __init__(
        self,
        order: QueueOrder,
        store: JobStore,
        worker: Worker,
        bus: EventBus,
        admission: Admission,
        max_pending: int,
    ) -> None:
        self._order = order
        self._store = store
        self._worker = worker
        self._bus = bus
        self._max_pending = max_pending
        self._admission = admission

    def those(self, ids: Sequence[str]) -> list[Job]:
        """The jobs that have these ids, in the order of submission."""
        return self._store.those(ids)

    # -- pausing -------------------------------------------------------------------------------------

    def is_paused(self) -> bool:
        """Whether no pending job may be begun."""
        return self._order.is_paused()

    def pause(self) -> None:
        """Begin no more jobs until `resume`, over restarts; the running one goes on to its end."""
        self._set_paused(True)

    def resume(self) -> None:
        """Begin jobs again."""
        self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        self._order.set_paused(paused)
        log.info("the queue is %s", "paused" if paused else "running")
        self._bus.hint(QUEUE)
        self._worker.wake()

    # -- rearranging ---------------------------------------------------------------------------------

    def move(self, job_id: str, place: Place) -> Job:
        """Put a pending job elsewhere. Errors: NotFound; Conflict if it isn't pending."""
        return self._moved(self._order.move(_checked(job_id), place))

    def move_before(self, job_id: str, other_id: str) -> Job:
        """Put a pending job right before another one. Errors: NotFound; Conflict if one isn't pending."""
        return self._moved(self._order.move_before(_checked(job_id), _checked(other_id)))

    def _moved(self, job: Job) -> Job:
        log.info("job %s moved to position %s", job.id, job.position)
        self._bus.hint(job.id)
        return job

    # -- cancelling and trying again -----------------------------------------------------------------

    def cancel(self, ids: Sequence[str]) -> list[str]:
        """Cancel these jobs in one step; those that are cancelled now or will be once they stopped.

        Jobs that are over, and ids that no job has, are passed over.
        """
        return self._cancel([job_id for job_id in ids if is_id(job_id)])

    def cancel_pending(self) -> list[str]:
        """Cancel every job that waits, in one step; their ids."""
        return self._cancel(None)

    def _cancel(self, ids: Sequence[str] | None) -> list[str]:
        cancelled, stopping = self._order.cancel(ids)
        log.info("%d jobs cancelled, %d asked to stop", len(cancelled), len(stopping))
        for job_id in stopping:
            self._worker.cancel(job_id)
        for job_id in (*cancelled, *stopping):
            self._bus.hint(job_id)
        return cancelled + stopping

    def retry(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """A new job, behind all others, with the recipe of one that is over: the same seed included.

        The same `idempotency_key` for the same job gives the same new one. Errors: NotFound; NotAllowed;
        Conflict while the job is not over; QueueFull; IdempotencyMismatch; and whatever keeps a model from
        taking jobs.
        """
        return self._again(job_id, idempotency_key, keeps_place=True)

    def replay(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """As `retry`, but a job of its own: in a grid the old one keeps its cell."""
        return self._again(job_id, idempotency_key, keeps_place=False)

    def _again(self, job_id: str, idempotency_key: str | None, *, keeps_place: bool) -> Job:
        job = self._store.get(_checked(job_id))
        asker().check_owns(job.owner, f"Job {job_id}")
        if not job.is_final:
            raise Conflict(f"Job {job_id} is {job.status}; only a job that is over can be tried again.")
        self._admission.check_recipe(job.recipe)
        deed = "retry" if keeps_place else "replay"
        again = self._store.add(
            job.recipe,
            max_pending=self._max_pending,
            source_image_id=job.source_image_id,
            parent_id=job.id,
            # In a grid it takes the place of the one that came to nothing.
            batch_id=job.batch_id if keeps_place else None,
            cell=job.cell if keeps_place else None,
            # Whoever waits for the first one's end waits for this. Only theirs: it is signed for the owner.
            webhook=job.webhook if keeps_place and asker().name == job.owner else None,
            idempotency_key=idempotency_key,
            fingerprint=hashlib.sha256(f"{deed} {job_id}".encode()).hexdigest(),
        )
        log.info("job %s submitted: job %s again", again.id, job.id)
        self._bus.hint(again.id)
        self._worker.wake()
        return again


def _checked(job_id: str) -> str:
    if not is_id(job_id):
        raise NotFound(f"No job has the id {job_id[:64]!r}.")
    return job_id
