"""What OpenAI's clients are answered, in their words."""

import base64
from typing import Literal

from pydantic import BaseModel

from studio.api.openai.bodies import Wanted
from studio.api.openai.encoding import encoded
from studio.job import Generation, Image
from studio.service import Studio


class UsageDetails(BaseModel):
    """Tokens by kind."""

    image_tokens: int = 0
    text_tokens: int = 0


class Usage(BaseModel):
    """Tokens; the studio counts none, and clients need the numbers."""

    input_tokens: int = 0
    input_tokens_details: UsageDetails = UsageDetails()
    output_tokens: int = 0
    total_tokens: int = 0


class PictureItem(BaseModel):
    """One picture: itself in base64, or where it is."""

    b64_json: str | None = None
    url: str | None = None
    revised_prompt: str | None = None


class ImagesAnswer(BaseModel):
    """All pictures of a request. `size` is theirs, "WIDTHxHEIGHT"."""

    created: int
    data: list[PictureItem]
    background: Literal["opaque"] = "opaque"
    output_format: str
    quality: str
    size: str | None
    usage: Usage = Usage()

    @classmethod
    def of(cls, studio: Studio, generation: Generation, wanted: Wanted, base_url: str) -> "ImagesAnswer":
        """The pictures, read from the disk. `base_url` ends in a slash. Errors: NotFound."""

        def item(image: Image) -> PictureItem:
            if wanted.by_url:
                url = f"{base_url}api/images/{image.id}"
                return PictureItem(url=url, revised_prompt=image.revised_prompt)
            return PictureItem(b64_json=in_base64(studio, image, wanted), revised_prompt=image.revised_prompt)

        first = generation.images[0] if generation.images else None
        return cls(
            created=int(generation.created_at),
            data=[item(image) for image in generation.images],
            output_format=wanted.format,
            quality=wanted.quality,
            size=None if first is None else f"{first.width}x{first.height}",
        )


class CompletedEvent(BaseModel):
    """One picture of a streamed request."""

    type: str
    b64_json: str
    created_at: int
    background: Literal["opaque"] = "opaque"
    output_format: str
    quality: str
    size: str
    usage: Usage = Usage()

    @classmethod
    def of(
        cls, studio: Studio, generation: Generation, image: Image, wanted: Wanted, type_: str
    ) -> "CompletedEvent":
        """The picture, read from the disk. Errors: NotFound."""
        return cls(
            type=type_,
            b64_json=in_base64(studio, image, wanted),
            created_at=int(generation.created_at),
            output_format=wanted.format,
            quality=wanted.quality,
            size=f"{image.width}x{image.height}",
        )


class ModelItem(BaseModel):
    """A model that can be asked for. Nobody knows when it was made: `created` is 0."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "sd.cpp-studio"


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelItem]


def in_base64(studio: Studio, image: Image, wanted: Wanted) -> str:
    """The picture's file in the wanted format. Errors: NotFound."""
    file = encoded(studio.image_file(image).read_bytes(), wanted.format, wanted.compression)
    return base64.b64encode(file).decode("ascii")
