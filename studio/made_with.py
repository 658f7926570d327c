"""MadeWith: what made a picture besides its recipe — programs and files — and what of it is another today."""

from collections.abc import Iterator

from pydantic import Field

from studio.extras import Frozen

LORA = "lora"
UPSCALER = "upscaler"


class UsedFile(Frozen):
    """A file that the engine read."""

    role: str = Field(
        description="its key under `files` in models.yml, or builtin, lora or upscaler", examples=["model"]
    )
    name: str = Field(examples=["sd15.safetensors"])
    bytes: int = Field(examples=[1640000000])
    sample: str = Field(
        description="by which its content is known: SHA-256 of its size and of parts spread over it",
        examples=["5e" * 32],
    )


class MadeWith(Frozen):
    """The programs and files that made a picture."""

    studio: str = Field(description="version", examples=["0.1.0"])
    engine: str | None = Field(description="the version it tells; null: none was needed", examples=["0.4.7"])
    engine_sample: str | None = Field(
        description="of the engine's program, as `sample` of a file", examples=["5e" * 32]
    )
    files: tuple[UsedFile, ...] = Field((), description="of the model, and each LoRA")


def differences(then: MadeWith, now: MadeWith) -> list[str]:
    """What is another now, each in a sentence without its full stop; empty: expect the same pixels.

    A file that only got another name is the same.
    """
    return [*_programs(then, now), *_files(then, now)]


def _programs(then: MadeWith, now: MadeWith) -> Iterator[str]:
    if then.studio != now.studio:
        yield f"The studio's version is {now.studio}; it was {then.studio}"
    if then.engine is None or now.engine is None:
        return  # nobody knows, or none was needed
    if then.engine != now.engine:
        yield f"The engine's version is {now.engine}; it was {then.engine}"
    elif then.engine_sample != now.engine_sample:
        yield "The engine is another build of the same version"


def _files(then: MadeWith, now: MadeWith) -> Iterator[str]:
    before, after = _by_place(then), _by_place(now)
    for place, file in before.items():
        other = after.get(place)
        if other is None:
            yield f"{file.role}: {file.name} is not there any more"
        elif other.sample == file.sample:
            continue
        elif other.name != file.name:
            yield f"{file.role}: {other.name} is another file than {file.name} was"
        else:
            yield f"{file.role}: {file.name} changed; it has {other.bytes} bytes and had {file.bytes}"
    for place, file in after.items():
        if place not in before:
            yield f"{file.role}: {file.name} was not there then"


def _by_place(made_with: MadeWith) -> dict[tuple[str, str], UsedFile]:
    """Each by what it is for: a model has one file of a role, but many LoRAs may be used."""
    return {(file.role, file.name if file.role == LORA else ""): file for file in made_with.files}
