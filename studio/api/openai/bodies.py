"""What OpenAI's clients may ask for: their parameters, and the studio's own beside them."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from fastapi import UploadFile
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from studio.api.bodies import PictureFields
from studio.api.openai.names import expects_base64
from studio.extras import MAX_REFERENCES
from studio.params import Prompt, Quality

OutputFormat = Literal["png", "jpeg", "webp"]
BEST = 100
MAX_PARTIAL_IMAGES = 3
MAX_ID = 200

# What OpenAI's answers call the quality; here `auto` and `standard` are the middle one.
_QUALITY: dict[Quality | None, str] = {"low": "low", "high": "high", "hd": "high"}


def _opaque(value: object) -> object:
    if value == "transparent":
        raise ValueError("'transparent' is not supported: the models here make opaque pictures; leave it out")
    return value


def _says_something(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


RealPrompt = Annotated[Prompt, AfterValidator(_says_something)]


Fields = TypeVar("Fields", bound="AnswerFields")


@dataclass(frozen=True)
class Wanted:
    """How the pictures are to be handed over. `compression` is 0 (small) to 100 (good), not for PNG."""

    by_url: bool
    format: OutputFormat
    compression: int
    quality: str
    stream: bool


class AnswerFields(PictureFields):
    """What every request may say, and how it wants its pictures."""

    NOT_PARAMS: ClassVar[frozenset[str]] = PictureFields.NOT_PARAMS | {
        "response_format", "output_format", "output_compression",
        "background", "moderation", "safety_identifier", "stream", "partial_images",
    }  # fmt: skip

    response_format: Literal["b64_json", "url"] | None = None
    output_format: OutputFormat | None = None
    output_compression: Annotated[int, Field(ge=0, le=BEST)] | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        compression, kind = self.output_compression, self.output_format
        if compression not in (None, BEST) and kind in (None, "png"):
            raise ValueError(
                f"output_compression: {compression} needs output_format jpeg or webp; a PNG loses nothing"
            )
        if self.response_format == "url" and kind in ("jpeg", "webp"):
            raise ValueError(f"output_format: behind a url is a PNG; for {kind} ask for b64_json")
        if self.response_format == "url" and self.is_streamed:
            raise ValueError("response_format: events carry the picture itself; with stream use b64_json")
        return self

    @property
    def is_streamed(self) -> bool:
        """Whether events are wanted instead of one answer."""
        return False

    def wanted(self) -> Wanted:
        """What was asked for, and OpenAI's defaults for the rest."""
        by_url = self.response_format == "url" or (
            self.response_format is None
            and not self.is_streamed
            # Parameters of theirs that only the models have which always answer with the picture.
            and self.output_format in (None, "png")
            and not expects_base64(self.model)
        )
        return Wanted(
            by_url=by_url,
            format=self.output_format or "png",
            compression=BEST if self.output_compression is None else self.output_compression,
            quality=_QUALITY.get(self.quality, "medium"),
            stream=self.is_streamed,
        )


class StreamFields(AnswerFields):
    """What may be said when pictures are made or edited."""

    background: Annotated[Literal["auto", "opaque"] | None, BeforeValidator(_opaque)] = None
    moderation: Literal["auto", "low"] | None = None
    safety_identifier: Annotated[str, Field(max_length=MAX_ID)] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Field(ge=0, le=MAX_PARTIAL_IMAGES)] | None = None

    @property
    def is_streamed(self) -> bool:
        return bool(self.stream)


class GenerationsBody(StreamFields):
    """POST /images/generations. JSON types are taken exactly."""

    model_config = ConfigDict(strict=True)

    prompt: RealPrompt


class EditsForm(StreamFields):
    """POST /images/edits. The first picture is edited, the further ones are looked at."""

    image: list[UploadFile] = Field(min_length=1, max_length=1 + MAX_REFERENCES)
    mask: UploadFile | None = None
    prompt: RealPrompt


class VariationsForm(AnswerFields):
    """POST /images/variations."""

    image: UploadFile
    prompt: Prompt = ""


def with_model(fields: Fields, model_id: str) -> Fields:
    """The same request for the model of that id."""
    return fields.model_copy(update={"model": model_id})
