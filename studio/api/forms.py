"""Multipart forms: fields as text, pictures as files, each at most once and none unknown."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fastapi import Request, UploadFile
from pydantic import BaseModel, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema
from starlette.datastructures import FormData
from starlette.datastructures import UploadFile as ReceivedFile

from studio.api.bodies import SteeredFields, WebhookField
from studio.api.errors import invalid
from studio.errors import InvalidRequest, TooLarge
from studio.extras import MAX_EXTENSION, MAX_REFERENCES, Area, Extend, Padding
from studio.params import Prompt
from studio.pictures import MAX_UPLOAD_BYTES

# Enough for every field and both files; a flood ends here.
MAX_FIELDS = 64
MAX_FILES = 8
# Far over the limit of a prompt, so that a long one is refused by its own rule and name.
MAX_TEXT_BYTES = 4 * 2**20
FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")
# Texts in which "" says something; a field of a page that nobody filled in sends "" too.
_TEXTS = ("prompt", "negative_prompt")
# Fields with parts, which a form has as JSON in a text.
_AS_JSON = ("loras", "hires", "extend")
# Fields that hold files, and what else a field that may be given several times is called.
_FILES = ("image", "mask", "references", "control_image")
_OTHER_NAMES = {"reference": "references"}

PICTURE = f"PNG, JPEG or WEBP, at most {MAX_UPLOAD_BYTES >> 20} MiB and 16 megapixels"


class ControlledForm(SteeredFields):
    """A form that may come with a control picture."""

    control_image: UploadFile | SkipJsonSchema[None] = Field(
        None,
        description="a finished map (edges, depth, pose) of the picture wanted, brought to its size as `fit` "
        f"says; for models whose `control` is true. {PICTURE}",
    )


class EditForm(WebhookField, ControlledForm):
    """A picture changed by words."""

    image: UploadFile = Field(
        description=f"the picture: {PICTURE}. Without a mask its transparent part is what to repaint"
    )
    prompt: Prompt = Field(description="what to change, or what it shows afterwards")
    mask: UploadFile | SkipJsonSchema[None] = Field(
        None, description=f"white repaints, black keeps; or transparent repaints. {PICTURE}"
    )
    inpaint_area: Area | SkipJsonSchema[None] = Field(
        None,
        description="masked: only the area around the mask is painted, at `size` or the model's own size; "
        "the picture keeps its size. Left out: whole",
    )
    inpaint_padding: Padding | SkipJsonSchema[None] = Field(
        None, description="pixels around the masked area that are seen while it is painted; left out: 32"
    )
    extend: Extend | SkipJsonSchema[None] = Field(
        None,
        description=f"pixels by which the picture grows on each side, 0 to {MAX_EXTENSION}; the new ground "
        "is painted, at strength 1 unless you say otherwise",
    )
    references: list[UploadFile] = Field(
        [],
        max_length=MAX_REFERENCES,
        description=f"more pictures to look at, at most {MAX_REFERENCES}; for models whose `references` is "
        f"true. The field may be repeated, and may be called `reference`. {PICTURE}",
    )


class VariationForm(WebhookField, ControlledForm):
    """A picture like another one."""

    image: UploadFile = Field(description=f"the picture: {PICTURE}")
    prompt: Prompt = Field("", description="what it shows; may be left out")


Form = TypeVar("Form", bound=BaseModel)


def body_of(form: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads this form."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": form.model_json_schema(),
                    "encoding": {
                        name: {"contentType": "application/json"}
                        for name in _AS_JSON
                        if name in form.model_fields
                    },
                }
            },
        }
    }


@asynccontextmanager
async def read_form(
    request: Request, kind: type[Form], other_names: Mapping[str, str] = _OTHER_NAMES
) -> AsyncIterator[Form]:
    """The checked form of a request; its files are open while the context is.

    Fields that are lists of files may be given several times, and by `other_names`, {another name: field}.
    Errors: InvalidRequest naming the field; TooLarge for a file over the limit.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in FORM_TYPES:
        raise InvalidRequest("The body must be a form, sent as multipart/form-data.")
    async with request.form(
        max_files=MAX_FILES, max_fields=MAX_FIELDS, max_part_size=MAX_TEXT_BYTES
    ) as received:
        try:
            yield kind.model_validate(_values(received, kind, other_names))
        except ValidationError as error:
            raise invalid(error) from None


def _values(received: FormData, kind: type[BaseModel], other_names: Mapping[str, str]) -> dict[str, Any]:
    """{field: value}; empty fields are left out where "" says nothing."""
    files = {name for name in kind.model_fields if name in _FILES}
    many = {name for name in files if kind.model_fields[name].annotation == list[UploadFile]}
    values: dict[str, Any] = {}
    for given, value in received.multi_items():
        name = other_names.get(given, given) if other_names.get(given) in many else given
        if name in values and name not in many:
            raise InvalidRequest("is given more than once", field=repr(name[:60]))
        if isinstance(value, ReceivedFile):
            if not value.filename and not value.size:
                continue  # what a browser sends for a file nobody chose
            if name in kind.model_fields and name not in files:
                raise InvalidRequest("must be text, not a file", field=name)
            if (value.size or 0) > MAX_UPLOAD_BYTES:
                raise TooLarge(f"{name}: {value.size} bytes; the limit is {MAX_UPLOAD_BYTES} bytes")
        elif name in files:
            raise InvalidRequest("must be a file, not text", field=name)
        elif value == "" and name not in _TEXTS:
            continue
        elif name in _AS_JSON:
            value = _parsed(value, name)
        if name in many:
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def _parsed(text: str, name: str) -> Any:
    """The value of a field that is written in JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidRequest(f"must be JSON, not {text!r:.40}", field=name) from None
