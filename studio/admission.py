"""Admission: whether the studio takes jobs at all, and for which models."""

from studio.catalog import Catalog
from studio.engine import EngineState
from studio.errors import EngineUnavailable, InvalidRequest, ModelFilesMissing, Stopping, UnknownModel
from studio.model import Model
from studio.preparation import Preparation


class Admission:
    """Open until it is closed for good. Thread-safe; owner: the studio."""

    def __init__(self, catalog: Catalog, preparation: Preparation) -> None:
        self._catalog = catalog
        self._preparation = preparation
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
