"""What a request may add to a plain picture: LoRAs, a second pass at a larger size, a wider canvas."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

MAX_LORAS = 8
MAX_REFERENCES = 4
MAX_EXTENSION = 1024

Cache = Literal["easycache", "ucache", "dbcache", "taylorseer", "cache-dit"]
CACHES_OF_UNETS: tuple[Cache, ...] = ("ucache",)
CACHES_OF_TRANSFORMERS: tuple[Cache, ...] = ("easycache", "dbcache", "taylorseer", "cache-dit")

Upscaler = Literal[
    "Latent",
    "Latent (nearest)",
    "Latent (nearest-exact)",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
    "Lanczos",
    "Nearest",
]
"""The engine's own words. The latent ones stretch numbers, the others pixels, which decodes and encodes."""

UPSCALERS: tuple[Upscaler, ...] = get_args(Upscaler)

Area = Literal["whole", "masked"]
Padding = Annotated[int, Field(ge=0, le=256)]
Extension = Annotated[int, Field(ge=0, le=MAX_EXTENSION)]


class Frozen(BaseModel):
    """A value whose fields are all known and never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Extra(Frozen):
    """A value with parts. JSON types are taken exactly: 2, not "2" or true."""

    model_config = ConfigDict(strict=True)


class Lora(Extra):
    """A LoRA file and how strongly it acts."""

    name: str = Field(
        min_length=1,
        max_length=500,
        description="as GET /loras lists it",
        examples=["ink.safetensors"],
    )
    weight: float = Field(1.0, ge=-4, le=4, description="1: as it was trained; negative: the opposite")


class Hires(Extra):
    """A second pass that makes the picture larger and draws it over with more detail."""

    scale: float = Field(
        2.0, ge=1, le=4, description="of both sides; less if the model's largest picture is smaller"
    )
    upscaler: Upscaler = Field("Latent", description="makes it larger before it is drawn over")
    steps: int = Field(0, ge=0, le=100, description="of the second pass; 0: as many as the first")
    denoising_strength: float = Field(
        0.7, ge=0.01, le=1, description="how much the second pass may change; 1 draws it anew"
    )

    def enlarged(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) in pixels of what a first pass of that size becomes."""
        # The tiny addition undoes what binary fractions lose: 100 x 1.15 is 115.
        return int(width * self.scale + 1e-6), int(height * self.scale + 1e-6)


class Upscale(Extra):
    """How a stored picture was made larger, and which one it was."""

    method: str = Field(
        min_length=1,
        max_length=500,
        description="lanczos, or the name of an upscaler",
        examples=["RealESRGAN_x4plus.safetensors"],
    )
    factor: float = Field(gt=0, description="of both sides; rounded where an exact size was asked for")
    source_width: int = Field(ge=1, description="pixels")
    source_height: int = Field(ge=1, description="pixels")
    source_image: str | None = Field(None, description="id of the picture, if it was made here")
    making_known: bool = Field(
        False, description="whether prompt, model, steps and the like are those that made the source"
    )


class Extend(Extra):
    """How many pixels a picture is to grow by on each side."""

    left: Extension = 0
    top: Extension = 0
    right: Extension = 0
    bottom: Extension = 0

    @property
    def grows(self) -> bool:
        """Whether any side is to grow."""
        return any((self.left, self.top, self.right, self.bottom))

    def of(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) in pixels of a picture of that size once it has grown."""
        return self.left + width + self.right, self.top + height + self.bottom
