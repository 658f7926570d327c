"""Which model a name means: the catalogue's own names first, then OpenAI's, which mean the default model."""

import re

from studio.catalog import Catalog
from studio.errors import UnknownModel
from studio.model import Model

_OPENAI = re.compile(r"(dall-e|gpt-image|chatgpt-image)(-[\w.-]+)?")
_ANSWERS_IN_BASE64 = re.compile(r"(chat)?gpt-image\b")


def model_called(catalog: Catalog, name: str | None) -> Model:
    """The model; without a name, and for OpenAI's own names, the default one. Errors: UnknownModel."""
    if name is None:
        return catalog.model(catalog.default)
    try:
        return catalog.model(name)
    except UnknownModel:
        if _OPENAI.fullmatch(name) is None:
            raise
        return catalog.model(catalog.default)


def expects_base64(name: str | None) -> bool:
    """Whether OpenAI's model of that name always answers with the pictures themselves."""
    return name is not None and _ANSWERS_IN_BASE64.match(name) is not None
