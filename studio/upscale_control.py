"""UpscaleControl: what people ask for to have pictures made larger."""

import logging

from studio import pictures
from studio.admission import Admission
from studio.events import EventBus
from studio.holdings import Holdings
from studio.job import Job
from studio.shelf import Shelf
from studio.store import JobStore
from studio.submission import fingerprint_of
from studio.upscalers import Upscaler, Upscalers
from studio.upscaling import UpscaleParams, to_upscale_recipe
from studio.worker import Worker

log = logging.getLogger(__name__)


class UpscaleControl:
    """Lists upscalers and takes jobs for them. Thread-safe; owner: the studio, reached as its `upscaling`."""

    def __init__(
        self,
        upscalers: Upscalers,
        store: JobStore,
        holdings: Holdings,
        shelf: Shelf,
        worker: Worker,
        bus: EventBus,
        admission: Admission,
        max_pending: int,
    ) -> None:
        self._upscalers = upscalers
        self._store = store
        self._holdings = holdings
        self._shelf = shelf
        self._worker = worker
        self._bus = bus
        self._admission = admission
        self._max_pending = max_pending

    def all(self) -> list[Upscaler]:
        """The networks there are; Lanczos needs none and is always there."""
        return self._upscalers.all()

    def check(self, params: UpscaleParams, size: tuple[int, int] | None = None) -> None:
        """Refuse what `submit` would refuse, before a picture is stored for it.

        `size` is (width, height) in pixels of the picture, if it is known already. Errors: as `submit`.
        """
        upscaler = self._admission.upscaler(params.method)
        if size is not None:
            to_upscale_recipe(params, upscaler, size, None)

    def submit(
        self, params: UpscaleParams, *, idempotency_key: str | None = None, webhook: str | None = None
    ) -> Job:
        """Put a job in the queue; it is durable when this returns.

        The same `idempotency_key` and params give the same job. `webhook` is told of its end.
        Errors: InvalidRequest; NotFound for a picture that isn't stored; IdempotencyMismatch; QueueFull;
        Stopping; EngineUnavailable; StorageFull.
        """
        self._admission.webhook(webhook)
        upscaler = self._admission.upscaler(params.method)
        content = self._holdings.open(params.input_image)
        size = pictures.opened(content, field="image").size
        source = None if params.source_image is None else self._shelf.entry(params.source_image)
        recipe = to_upscale_recipe(params, upscaler, size, source)
        job = self._store.add(
            recipe,
            max_pending=self._max_pending,
            source_image_id=params.input_image,
            idempotency_key=idempotency_key,
            fingerprint=fingerprint_of([f"upscale {params.model_dump_json()}"], webhook),
            webhook=webhook,
        )
        log.info("job %s submitted: upscale by %s to %s", job.id, params.method, recipe.size)
        self._bus.hint(job.id)
        self._worker.wake()
        return job
