"""Studio: the one door for every face. Pages, REST and command line all call these methods."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from studio.addresses import Addresses
from studio.admission import Admission
from studio.batches import Batches
from studio.caller import asker
from studio.catalog import Catalog
from studio.claims import Claims
from studio.clock import Clock
from studio.condition import Condition
from studio.deliveries import Deliveries
from studio.downloads import Downloads
from studio.engine import Engine, EngineStatus
from studio.errors import NotFound, StudioError
from studio.events import GENERATION, EventBus, about
from studio.filters import EVERYTHING, Filter
from studio.gallery import Gallery
from studio.grids import Grids
from studio.inputs import Inputs
from studio.intake import Intake, Upload
from studio.job import Attempt, Generation, Image, Job, JobStatus
from studio.key_ring import KeyRing
from studio.library import Library
from studio.meter import Meter
from studio.model_states import ModelStates
from studio.params import GenerationParams
from studio.preparation import Preparation
from studio.presets import Presets
from studio.queue_control import QueueControl
from studio.queue_order import QueueOrder
from studio.records import Records
from studio.replays import Replays
from studio.settings import Settings
from studio.shelf import Shelf
from studio.sight import sight
from studio.store import JobStore, Page, is_id
from studio.submission import Size, Submission
from studio.upscale_control import UpscaleControl
from studio.upscalers import Upscalers
from studio.wildcards import Wildcards
from studio.witness import Witness
from studio.wording import Wording
from studio.worker import Worker

log = logging.getLogger(__name__)


class Studio:
    """Everything a face may do. Thread-safe; made by assembly.open_studio, which see."""

    def __init__(
        self,
        *,
        settings: Settings,
        catalog: Catalog,
        store: JobStore,
        batches: Batches,
        library: Library,
        queue_order: QueueOrder,
        claims: Claims,
        records: Records,
        gallery: Gallery,
        shelf: Shelf,
        inputs: Inputs,
        presets: Presets,
        downloads: Downloads,
        upscalers: Upscalers,
        witness: Witness,
        engine: Engine,
        preparation: Preparation,
        worker: Worker,
        condition: Condition,
        key_ring: KeyRing,
        receivers: Addresses,
        deliveries: Deliveries,
        meter: Meter,
        bus: EventBus,
        clock: Clock,
        random_seed: Callable[[], int],
        on_close: Callable[[], None],
    ) -> None:
        self.settings = settings
        self.catalog = catalog
        self.bus = bus
        self.clock = clock
        self.shelf, self.inputs, self.presets = shelf, inputs, presets
        self.condition, self.meter, self.downloads = condition, meter, downloads
        self.key_ring, self.deliveries = key_ring, deliveries
        self._store, self._claims, self._records = store, claims, records
        self._gallery = gallery
        self._intake = Intake(inputs.holdings)
        self._preparation = preparation
        self._worker = worker
        self.wildcards = Wildcards(settings.models.parent / "wildcards")
        self.wording = Wording(self.wildcards.alternatives, lambda below: random_seed() % below)
        self._on_close = on_close
        self._admission = admission = Admission(catalog, preparation, engine, upscalers, receivers)
        # Refuses what `submit` would refuse of a webhook.
        self.check_webhook = admission.webhook
        self.models = ModelStates(catalog, engine, preparation, worker, clock, admission, downloads)
        self.queue = QueueControl(queue_order, store, worker, bus, admission, settings.max_pending)
        self._submission = Submission(
            store=store, batches=batches, admission=admission, intake=self._intake, worker=worker, bus=bus,
            random_seed=random_seed, max_pending=settings.max_pending,
        )  # fmt: skip
        self.replays = Replays(self.queue, store, records, gallery, witness)
        self.grids = Grids(
            batches=batches, submission=self._submission, queue=self.queue, library=library, shelf=shelf,
            gallery=gallery, bus=bus,
        )  # fmt: skip
        self.upscaling = UpscaleControl(
            upscalers, store, inputs.holdings, shelf, worker, bus, admission, settings.max_pending
        )
        self._opened_at = clock.now()

    # -- life ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Repair what an earlier life left, get the engine ready, and begin to work; returns at once."""
        # The database is ours alone, by a lock: whoever worked on these is gone.
        for job in self._claims.release():
            log.info("job %s was running when the studio stopped -> %s", job.id, job.status)
        self._preparation.start()
        self._worker.start()
        self.deliveries.start()
        threading.Thread(target=self._sweep, name="sweeper", daemon=True).start()

    def _sweep(self) -> None:
        """Remove files that a crash left without a row; younger ones may be waiting for theirs."""
        try:
            report = self._gallery.sweep(
                self._records.known_images, self._store.known_inputs, older_than=self._opened_at
            )
            self.grids.sweep()
            self.inputs.holdings.forget_gone()
            log.info("files swept: %s", report)
        except StudioError as error:
            log.error("files not swept: %s", error)

    def stop_accepting(self) -> None:
        """Refuse new jobs from now on; what is accepted stays accepted."""
        self._admission.close()

    def close(self) -> None:
        """Drain and leave nothing running; idempotent. The running job gets `stop_seconds` to end."""
        self._admission.close()
        self._preparation.stop()
        self.downloads.close()
        self._worker.stop(self.settings.stop_seconds)
        self.deliveries.close()
        self._on_close()

    def hurry(self) -> None:
        """Stop waiting for the running job: it goes back to the queue now."""
        self._worker.hurry()

    @property
    def is_accepting(self) -> bool:
        """Whether new jobs are taken."""
        return self._admission.is_open

    # -- submitting ----------------------------------------------------------------------------------

    def upload(
        self, image: bytes, mask: bytes | None = None, *, alpha_marks_area: bool = False, holes: bool = False
    ) -> Upload:
        """Store an input picture and its mask: Intake.take, which see for the rules and errors."""
        return self._intake.take(image, mask, alpha_marks_area=alpha_marks_area, holes=holes)

    def upload_reference(self, content: bytes) -> str:
        """Store a picture for a model to look at: Intake.take_reference, which see for the errors."""
        return self._intake.take_reference(content)

    def upload_control(self, content: bytes, *, field: str = "control_image") -> str:
        """Store a picture for a control net to follow: Intake.take_control, which see for the errors."""
        return self._intake.take_control(content, field=field)

    def submit(
        self,
        params: GenerationParams,
        *,
        input_size: Size | None = None,
        idempotency_key: str | None = None,
        webhook: str | None = None,
    ) -> Job:
        """Put a job in the queue; it is durable when this returns.

        `input_size` is the upload's, in pixels: without a size the picture keeps its shape. The same
        `idempotency_key`, params and webhook give the same job. `webhook` is told of its end.
        Errors: InvalidRequest; ModelFilesMissing; IdempotencyMismatch; QueueFull; Stopping;
        EngineUnavailable; StorageFull.
        """
        return self._submission.one(
            params, input_size=input_size, idempotency_key=idempotency_key, webhook=webhook
        )

    def submit_all(
        self,
        requests: Sequence[GenerationParams],
        *,
        input_size: Size | None = None,
        idempotency_key: str | None = None,
        called: str = "",
        webhook: str | None = None,
    ) -> list[Job]:
        """Submit these, to run in this order, or none of them if one is wrong or there is no room for all.

        `input_size` is their picture's; without it stored inputs are looked at, and must be there. With
        `called` a fault's field begins with that word and the index. `webhook` is told of the end of each.
        Errors: as submit.
        """
        return self._submission.several(
            requests, input_size=input_size, idempotency_key=idempotency_key, called=called, webhook=webhook
        )

    # -- the queue -----------------------------------------------------------------------------------

    def job(self, job_id: str) -> Job:
        """The job as it is now. Errors: NotFound."""
        self._check_id(job_id, "job")
        return self._store.get(job_id)

    def jobs(self, *, status: JobStatus | None = None, limit: int = 1000, offset: int = 0) -> Page[Job]:
        """Jobs, newest first."""
        return self._store.page(status=status, limit=limit, offset=offset)

    def counts(self) -> dict[JobStatus, int]:
        """How many jobs have each status."""
        return self._store.counts()

    def attempts(self, job_id: str) -> list[Attempt]:
        """Every execution of the job, first to last. Errors: NotFound."""
        self.job(job_id)
        return self._store.attempts(job_id)

    def cancel(self, job_id: str) -> Job:
        """The job after the wish; a processing job may still be stopping.

        Errors: NotFound; NotAllowed; JobFinished.
        """
        asker().check_owns(self.job(job_id).owner, f"Job {job_id}")
        job = self._store.request_cancel(job_id)
        log.info("job %s cancel requested -> %s", job.id, job.status)
        self.bus.hint(job.id)
        self._worker.cancel(job.id)
        return job

    # -- what was made -------------------------------------------------------------------------------

    def generations(
        self, *, limit: int = 1000, offset: int = 0, wanted: Filter = EVERYTHING
    ) -> Page[Generation]:
        """What completed jobs made, newest first, without the pictures: Records.page, which see."""
        return self._records.page(limit=limit, offset=offset, wanted=wanted)

    def generation(self, generation_id: str) -> Generation:
        """A generation with its pictures. Errors: NotFound."""
        self._check_id(generation_id, "generation")
        return self._records.generation(generation_id)

    def image(self, image_id: str) -> Image:
        """One picture's record. Errors: NotFound."""
        self._check_id(image_id, "image")
        return self._records.image(image_id)

    def image_file(self, image: Image) -> Path:
        """The picture's file. Errors: NotFound if it is gone from the disk."""
        if not sight().shows(image.owner):
            raise NotFound(f"No image has the id {image.id!r}.")
        return self._gallery.image_path(image.path)

    def thumbnail(self, image: Image, edge: int) -> Path:
        """A WEBP of at most `edge` pixels a side, made on first use. Errors: NotFound; InvalidRequest."""
        self.image_file(image)
        return self._gallery.thumbnail(image.id, image.path, edge)

    def delete(self, generation_id: str) -> None:
        """Forget a generation and remove its files. Errors: NotFound; NotAllowed."""
        owner = self.generation(generation_id).owner
        asker().check_owns(owner, f"Generation {generation_id}")
        images = self._records.delete(generation_id)
        # Rows first: a crash in between leaves files without rows, which the next start sweeps.
        self._gallery.delete([image.path for image in images], [image.id for image in images])
        log.info("generation %s deleted with %d images", generation_id, len(images))
        self.bus.hint(about(GENERATION, generation_id, owner))

    @property
    def engine(self) -> EngineStatus:
        """What the engine is doing, its preparation included."""
        return self.models.engine

    @staticmethod
    def _check_id(text: str, what: str) -> None:
        if not is_id(text):
            raise NotFound(f"No {what} has the id {text[:64]!r}.")
