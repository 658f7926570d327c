"""Admission: whether the studio takes jobs at all, and for which models, upscalers and webhooks."""

from studio.addresses import Addresses
from studio.catalog import Catalog
from studio.engine import Engine, EngineState
from studio.errors import EngineUnavailable, InvalidRequest, ModelFilesMissing, Stopping, UnknownModel
from studio.model import Model
from studio.preparation import Preparation
from studio.recipe import Recipe
from studio.upscalers import LANCZOS, Upscaler, Upscalers
from studio.webhook import check_webhook


class Admission:
    """Open until it is closed for good. Thread-safe; owner: the studio."""

    def __init__(
        self,
        catalog: Catalog,
        preparation: Preparation,
        engine: Engine,
        upscalers: Upscalers,
        receivers: Addresses,
    ) -> None:
        """`receivers` says which webhooks may be told."""
        self._catalog = catalog
        self._preparation = preparation
        self._engine = engine
        self._upscalers = upscalers
        self._receivers = receivers
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether the studio isn't shutting down."""
        return self._is_open

    def close(self) -> None:
        """Take nothing new from now on. Safe in a signal handler."""
        self._is_open = False

    def check(self) -> None:
        """Errors: Stopping; EngineUnavailable."""
        if not self._is_open:
            raise Stopping("The studio is shutting down and takes no new jobs.")
        status = self._preparation.status
        if status.state is EngineState.UNAVAILABLE:
            raise EngineUnavailable(status.detail)

    def downloaded(self, model: Model) -> Model:
        """The model, if it could be loaded now. Errors: ModelFilesMissing; Stopping; EngineUnavailable."""
        self.check()
        missing = model.missing()
        if missing:
            raise ModelFilesMissing(
                f"Model {model.id!r} is not downloaded: {', '.join(missing)} missing.", missing=missing
            )
        return model

    def model(self, model_id: str) -> Model:
        """By id or alias, if a job for it can be taken. Errors: InvalidRequest; as `downloaded`."""
        try:
            model = self._catalog.model(model_id)
        except UnknownModel as error:
            raise InvalidRequest(error.message, field="model") from None
        return self.downloaded(model)

    def upscaler(self, method: str) -> Upscaler | None:
        """The network of that name, None for Lanczos, if a job for it can be taken.

        Errors: InvalidRequest for one that isn't there; Stopping; EngineUnavailable, also for an engine that
        can't make pictures larger.
        """
        self.check()
        if method == LANCZOS:
            return None
        upscaler = self._upscalers.get(method)
        if self._preparation.is_ready:
            self._engine.check_upscaling()
        return upscaler

    def webhook(self, address: str | None) -> None:
        """Whether it could be told of a job's end, as far as its text says. Errors: InvalidRequest."""
        if address is not None:
            check_webhook(address, self._receivers)

    def check_recipe(self, recipe: Recipe) -> None:
        """Whether a job with it could be taken. Errors: as `model` and `upscaler`."""
        if recipe.upscale is None:
            self.model(recipe.model)
        else:
            self.upscaler(recipe.upscale.method)
