"""Demands: what is asked of a model that it can't do, refused by the field that asks."""

from studio.errors import InvalidRequest
from studio.extras import CACHES_OF_TRANSFORMERS, CACHES_OF_UNETS
from studio.model import Model
from studio.params import GenerationParams, JobType

_OFFERS = {
    JobType.GENERATE: "make pictures from a prompt alone",
    JobType.EDIT: "edit pictures",
    JobType.VARIATION: "do variations",
}


def check_demands(params: GenerationParams, model: Model) -> None:
    """Errors: InvalidRequest naming the field."""
    if not model.capabilities.does(params.type):
        raise InvalidRequest(
            f"the model {model.id!r} does not {_OFFERS[params.type]}; /api/models tells what each one does",
            field="model",
        )
    if params.n > model.limits.max_n:
        raise InvalidRequest(
            f"{params.n} pictures; the model {model.id!r} makes at most {model.limits.max_n} in one job",
            field="n",
        )
    if params.references and not model.capabilities.references:
        raise InvalidRequest(
            f"the model {model.id!r} does not look at reference pictures; /api/models tells which ones do",
            field="references",
        )
    if params.control_image is not None and not model.takes_control:
        raise InvalidRequest(
            f"the model {model.id!r} has no control net; /api/models tells which ones do (`control`)",
            field="control_image",
        )
    known = CACHES_OF_TRANSFORMERS if model.is_transformer else CACHES_OF_UNETS
    if params.cache is not None and params.cache not in known:
        kind = "a transformer" if model.is_transformer else "a UNet"
        raise InvalidRequest(
            f"{params.cache} does nothing for the model {model.id!r}, by models.yml {kind}; "
            f"use {', '.join(known)}",
            field="cache",
        )
