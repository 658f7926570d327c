"""Submission: requests become recipes, and recipes jobs in the queue: one, or several, all or none."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from studio.admission import Admission
from studio.axes import Plan, blamed, cell_params, check_axes
from studio.batches import Batches
from studio.caller import asker
from studio.errors import IdempotencyMismatch, InvalidRequest, NotFound
from studio.events import GRID, EventBus, about
from studio.intake import Intake
from studio.job import Job
from studio.loras import check_loras
from studio.params import GenerationParams
from studio.recipe import Recipe
from studio.recipes import to_recipe
from studio.sight import sight
from studio.store import JobStore
from studio.worker import Worker

log = logging.getLogger(__name__)

Size = tuple[int, int]


class Submission:
    """Takes work in. Thread-safe; owner: the studio."""

    def __init__(
        self,
        *,
        store: JobStore,
        batches: Batches,
        admission: Admission,
        intake: Intake,
        worker: Worker,
        bus: EventBus,
        random_seed: Callable[[], int],
        max_pending: int,
    ) -> None:
        self._store = store
        self._batches = batches
        self._admission = admission
        self._intake = intake
        self._worker = worker
        self._bus = bus
        self._random_seed = random_seed
        self._max_pending = max_pending

    def one(
        self,
        params: GenerationParams,
        *,
        input_size: Size | None,
        idempotency_key: str | None,
        webhook: str | None,
    ) -> Job:
        """Studio.submit, which see."""
        fingerprint = None
        if idempotency_key is not None:
            fingerprint = fingerprint_of([params.model_dump_json()], webhook)
            earlier = self._store.earlier(idempotency_key)
            if earlier is not None:
                if earlier[1] != fingerprint:
                    raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
                return self._store.get(earlier[0])
        self._admission.webhook(webhook)
        recipe = self._recipe(params, input_size)
        job = self._store.add(
            recipe,
            max_pending=self._max_pending,
            source_image_id=params.input_image,
            idempotency_key=idempotency_key,
            fingerprint=fingerprint,
            webhook=webhook,
        )
        log.info("job %s submitted: %s %s %s n=%d", job.id, recipe.type, recipe.model, recipe.size, recipe.n)
        self._tell([job])
        return job

    def several(
        self,
        requests: Sequence[GenerationParams],
        *,
        input_size: Size | None = None,
        idempotency_key: str | None = None,
        called: str = "",
        webhook: str | None = None,
    ) -> list[Job]:
        """Studio.submit_all, which see."""
        if len(requests) == 1 and not called:
            (only,) = requests
            return [self.one(only, input_size=input_size, idempotency_key=idempotency_key, webhook=webhook)]
        fingerprint = None
        if idempotency_key is not None:
            fingerprint = fingerprint_of([each.model_dump_json() for each in requests], webhook)
        earlier = self._earlier(idempotency_key, fingerprint)
        if earlier is not None:
            return earlier[1]
        self._admission.webhook(webhook)
        sizes: dict[str, Size] = {}
        recipes = []
        for index, params in enumerate(requests):
            with _told_of(f"{called}.{index}." if called else ""):
                recipes.append(self._recipe(params, input_size or self._input_size(params, sizes)))
        batch_id, jobs = self._batches.add(
            list(enumerate(recipes)),
            max_pending=self._max_pending,
            idempotency_key=idempotency_key,
            fingerprint=fingerprint,
            webhook=webhook,
        )
        log.info("batch %s submitted: %d jobs", batch_id, len(jobs))
        self._tell(jobs)
        return jobs

    def grid(self, plan: Plan, *, idempotency_key: str | None, webhook: str | None) -> str:
        """The id of a new grid; jobs for one model run one after another. Errors: as Grids.submit."""
        check_axes(plan.axes)
        fingerprint = None
        if idempotency_key is not None:
            fingerprint = fingerprint_of([plan.model_dump_json()], webhook)
            earlier = self._earlier(idempotency_key, fingerprint)
            if earlier is not None:
                return earlier[0]
        self._admission.webhook(webhook)
        if plan.params.get("seed") is None:
            # Drawn once: cells must differ by their axes alone.
            plan = plan.model_copy(update={"params": plan.params | {"seed": self._random_seed()}})
        sizes: dict[str, Size] = {}
        recipes = []
        for cell, params in enumerate(cell_params(plan)):
            try:
                recipes.append(self._recipe(params, self._input_size(params, sizes)))
            except InvalidRequest as fault:
                raise blamed(plan, cell, fault.field, _bare(fault)) from None
        models = list(dict.fromkeys(recipe.model for recipe in recipes))
        grid_id, jobs = self._batches.add(
            sorted(enumerate(recipes), key=lambda item: models.index(item[1].model)),
            max_pending=self._max_pending,
            plan=plan,
            idempotency_key=idempotency_key,
            fingerprint=fingerprint,
            webhook=webhook,
        )
        log.info("grid %s submitted: %d cells", grid_id, len(jobs))
        self._bus.hint(about(GRID, grid_id, asker().name))
        self._tell(jobs)
        return grid_id

    def _earlier(self, key: str | None, fingerprint: str | None) -> tuple[str, list[Job]] | None:
        return None if key is None or fingerprint is None else self._batches.earlier(key, fingerprint)

    def _recipe(self, params: GenerationParams, input_size: Size | None) -> Recipe:
        model = self._admission.model(params.model)
        check_loras(params.loras, model)
        if not sight().is_whole:
            # Naming somebody else's picture must not show it, nor tell that it is there.
            self._input_size(params, {})
        if params.control_image is not None:
            self._size_of(params.control_image, "control_image")
        if params.extend is not None and params.input_image is not None:
            input_size = self._intake.size_of(params.input_image)
        return to_recipe(params, model, random_seed=self._random_seed, input_size=input_size)

    def _input_size(self, params: GenerationParams, known: dict[str, Size]) -> Size | None:
        """The size of the picture it starts from. Errors: InvalidRequest for an input that isn't stored."""
        named = [("image", params.input_image), ("mask", params.mask)]
        named += [("references", reference) for reference in params.references]
        for field, input_id in named:
            if input_id is not None and input_id not in known:
                known[input_id] = self._size_of(input_id, field)
        return None if params.input_image is None else known[params.input_image]

    def _size_of(self, input_id: str, field: str) -> Size:
        """(width, height) of a stored picture. Errors: InvalidRequest if it isn't stored."""
        try:
            return self._intake.size_of(input_id)
        except NotFound as fault:
            raise InvalidRequest(fault.message, field=field) from None

    def _tell(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._bus.hint(job.id)
        self._worker.wake()


def fingerprint_of(texts: Sequence[str], webhook: str | None) -> str:
    """What tells requests with the same idempotency key apart.

    The webhook counts: who asks for another one would wait in vain for news of the first request's job.
    """
    told = () if webhook is None else (f"webhook {webhook}",)
    return hashlib.sha256("\n".join((*texts, *told)).encode()).hexdigest()


def _bare(fault: InvalidRequest) -> str:
    """The sentence without its field."""
    return fault.message.removeprefix(f"{fault.field}: ")


@contextmanager
def _told_of(place: str) -> Iterator[None]:
    """Have a fault's field begin with this."""
    try:
        yield
    except InvalidRequest as fault:
        raise InvalidRequest(_bare(fault), field=f"{place}{fault.field}".rstrip(".")) from None
