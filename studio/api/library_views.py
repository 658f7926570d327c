"""What goes out about pictures as a collection, and what comes in to choose among them."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from studio.api.recipe_view import OF_UPLOADS, owner_field, recipe_values
from studio.entry import Entry, Listing
from studio.extras import Upscale
from studio.filters import Filter, Order
from studio.params import JobType
from studio.shelf import Cleaning, Shelf, Stock

MAX_LIMIT = 200
# How many pictures one request may delete or take along.
MAX_CHOSEN = 5000
# Over any time and size there is, and within what every database takes.
_LATEST = 10**12
_MAX_BYTES = 2**62
_MAX_DAYS = 100_000

_ID = "0199c0de-7a5b-7c11-8d2e-0242ac120002"
_IMAGE_ID = "0199c0de-8d01-7e42-9a77-0242ac120002"
_SIZE = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")


def _size(value: str) -> str:
    if _SIZE.fullmatch(value) is None:
        raise ValueError('is not "WIDTHxHEIGHT", for example 512x512')
    return value


def chosen(value: str) -> list[str]:
    """The ids of a comma-separated list; ValueError if there are none or more than MAX_CHOSEN."""
    ids = [part.strip() for part in value.split(",") if part.strip()]
    if not 1 <= len(ids) <= MAX_CHOSEN:
        raise ValueError(f"{len(ids)} pictures; name 1 to {MAX_CHOSEN}")
    return ids


Seconds = Annotated[float, Field(ge=0, le=_LATEST)]


class PictureQuery(BaseModel):
    """Which pictures: all that is given must apply. An empty value counts as none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    q: str | None = Field(
        None,
        max_length=1000,
        description="words of the prompt: each must occur in it",
        examples=["red circle"],
    )
    model: str | None = Field(None, max_length=200, description="id of the model", examples=["demo"])
    type: JobType | None = Field(None, description="the kind of job")
    from_: Seconds | None = Field(
        None, alias="from", description="made then or later: seconds since the epoch", examples=[1766491200]
    )
    to: Seconds | None = Field(
        None, description="made before: seconds since the epoch", examples=[1766577600]
    )
    size: Annotated[str, AfterValidator(_size)] | None = Field(
        None, description="exactly this size: WIDTHxHEIGHT in pixels", examples=["512x512"]
    )
    favourite: bool | None = Field(
        None, description="1: favourites only; 0: the others only", examples=[True]
    )
    tag: str | None = Field(None, max_length=200, description="with this tag, in any case", examples=["sea"])

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value != ""}

    def to_filter(self) -> Filter:
        """What is asked of the library."""
        match = None if self.size is None else _SIZE.fullmatch(self.size)
        return Filter(
            words=self.q or "",
            model=self.model,
            type=self.type,
            created_from=self.from_,
            created_to=self.to,
            size=None if match is None else (int(match[1]), int(match[2])),
            favourite=self.favourite,
            tag=self.tag,
        )


class LibraryQuery(PictureQuery):
    """Which pictures, and which part of the list."""

    limit: int = Field(60, ge=1, le=MAX_LIMIT, description="at most this many", examples=[60])
    before: str | None = Field(
        None, description="`next` of the answer before: the list goes on there", examples=["newest-4711"]
    )
    sort: Order = Field(Order.NEWEST, description="which pictures come first")


class ItemView(BaseModel):
    """A picture and what made it; the picture itself is at /images/{id}."""

    id: str = Field(examples=[_IMAGE_ID])
    generation_id: str = Field(examples=[_ID])
    job_id: str = Field(examples=[_ID])
    index: int = Field(description="within its generation, from 0", examples=[0])
    width: int = Field(description="pixels", examples=[128])
    height: int = Field(description="pixels", examples=[128])
    seed: str | None = Field(description=f"the picture's own; decimal; {OF_UPLOADS}", examples=["42"])
    prompt: str = Field(description="plain text", examples=["a red circle on a blue background"])
    revised_prompt: str | None = Field(description="as it was sent, if words were added", examples=[None])
    negative_prompt: str = Field(examples=[""])
    model: str = Field(examples=["demo"])
    type: JobType
    steps: int | None = Field(description=OF_UPLOADS, examples=[8])
    cfg_scale: float | None = Field(description=OF_UPLOADS, examples=[2.0])
    sampler: str | None = Field(description=OF_UPLOADS, examples=["euler"])
    scheduler: str | None = Field(description=OF_UPLOADS, examples=["discrete"])
    upscale: Upscale | None = Field(description="set if it is another picture made larger", examples=[None])
    created_at: int = Field(description="seconds since the epoch", examples=[1766491202])
    favourite: bool
    tags: list[str] = Field(description="plain texts, in alphabetical order", examples=[["sea", "to print"]])
    bytes: int = Field(description="size of the file", examples=[20480])
    owner: str | None = owner_field()

    @classmethod
    def of(cls, entry: Entry, **more: Any) -> Self:
        image, recipe = entry.image, entry.recipe
        known = recipe_values(recipe)
        return cls(
            id=image.id,
            generation_id=image.generation_id,
            job_id=entry.job_id,
            index=image.index,
            width=image.width,
            height=image.height,
            seed=known["seed"] and str(image.seed),
            prompt=recipe.prompt,
            revised_prompt=image.revised_prompt,
            negative_prompt=recipe.negative_prompt,
            model=recipe.model,
            type=recipe.type,
            steps=known["steps"],
            cfg_scale=known["cfg_scale"],
            sampler=known["sampler"],
            scheduler=known["scheduler"],
            upscale=recipe.upscale,
            created_at=int(entry.created_at),
            favourite=entry.favourite,
            tags=list(entry.tags),
            bytes=image.size,
            owner=entry.owner,
            **more,
        )


class InfoView(ItemView):
    """Everything that is known of a picture."""

    recipe: dict[str, Any] = Field(
        description="all of what ran, for the whole job; its seed is decimal text",
        examples=[{"type": "generate", "model": "demo", "prompt": "a red circle", "seed": "42", "n": 1}],
    )
    parameters: str = Field(
        description="the text A1111 and its kin understand",
        examples=["a red circle\nSteps: 8, Sampler: Euler"],
    )

    @classmethod
    def of(cls, entry: Entry, shelf: Shelf, **_: Any) -> Self:  # type: ignore[override]
        making = shelf.making(entry)
        return super().of(entry, recipe=making["recipe"], parameters=making["parameters"])


class LibraryView(BaseModel):
    """A part of a list of pictures."""

    items: list[ItemView]
    next: str | None = Field(description="`before` of the part after this one", examples=["newest-4711"])
    total: int = Field(description="how many pictures match in all", examples=[1])

    @classmethod
    def of(cls, listing: Listing) -> Self:
        items = [ItemView.of(entry) for entry in listing.entries]
        return cls(items=items, next=listing.next, total=listing.total)


class MarkBody(BaseModel):
    """What to change about a picture; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    favourite: bool | None = Field(None, examples=[True])
    tags: Annotated[list[str], Field(max_length=200)] | None = Field(
        None,
        description="all its tags from now on: at most 32 plain texts of 1 to 50 characters; "
        "those that differ in case only are one",
        examples=[["sea", "to print"]],
    )


class ChosenBody(BaseModel):
    """Pictures to delete."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: list[str] = Field(min_length=1, max_length=MAX_CHOSEN, examples=[[_IMAGE_ID]])
    force: bool = Field(False, description="favourites as well")


class RemovedView(BaseModel):
    """What became of them; pictures that were gone already are in neither."""

    deleted: int = Field(examples=[1])
    protected: list[str] = Field(description="favourites: they stayed", examples=[[]])


class ModelCountView(BaseModel):
    """How many pictures a model made."""

    id: str = Field(examples=["demo"])
    count: int = Field(examples=[17])


class TagCountView(BaseModel):
    """How many pictures have a tag."""

    name: str = Field(examples=["sea"])
    count: int = Field(examples=[3])


class SizeCountView(BaseModel):
    """How many pictures have a size."""

    size: str = Field(examples=["128x128"])
    count: int = Field(examples=[17])


class StockView(BaseModel):
    """What is stored; each list has the most frequent first, at most 200."""

    images: int = Field(examples=[17])
    bytes: int = Field(description="of the pictures' files", examples=[348160])
    inputs_bytes: int = Field(description="of stored inputs and masks", examples=[20480])
    free_bytes: int = Field(description="room left on the disk", examples=[10**10])
    models: list[ModelCountView]
    tags: list[TagCountView]
    sizes: list[SizeCountView]

    @classmethod
    def of(cls, stock: Stock) -> Self:
        totals = stock.pictures
        return cls(
            images=totals.images,
            bytes=totals.bytes,
            inputs_bytes=stock.inputs_bytes,
            free_bytes=stock.free_bytes,
            models=[ModelCountView(id=model, count=count) for model, count in totals.models],
            tags=[TagCountView(name=name, count=count) for name, count in totals.tags],
            sizes=[SizeCountView(size=f"{w}x{h}", count=count) for (w, h), count in totals.sizes],
        )


class CleanBody(BaseModel):
    """Which pictures may go: those to which every rule given applies, but never a favourite."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    older_than_days: Annotated[float, Field(ge=0, le=_MAX_DAYS)] | None = Field(
        None, description="made before that many days", examples=[30]
    )
    keep_bytes: Annotated[int, Field(ge=0, le=_MAX_BYTES)] | None = Field(
        None, description="all but the newest pictures that fit into this together", examples=[10**10]
    )
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="of this model only", examples=["demo"]
    )
    dry_run: bool = Field(description="only count", examples=[True])


class CleanedView(BaseModel):
    """What is gone or, in a dry run, would be."""

    images: int = Field(examples=[3])
    bytes: int = Field(examples=[61440])

    @classmethod
    def of(cls, cleaning: Cleaning) -> Self:
        return cls(images=cleaning.images, bytes=cleaning.bytes)
