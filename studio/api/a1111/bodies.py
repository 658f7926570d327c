"""What txt2img and img2img take, in A1111's names; null counts as left out, as it does there."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from studio.api.bodies import AnySeed
from studio.extras import Padding
from studio.params import MAX_IMAGES, MAX_STEPS, CfgScale, Feather, Guidance, Prompt, Side, Steps, Strength

MAX_STYLES = 20

Batch = Annotated[int, Field(ge=1, le=MAX_IMAGES)]
Name = Annotated[str, Field(max_length=200)]
# What these two hold is looked at by name.
Settings = Annotated[dict[str, Any], Field(max_length=200)]
Scripts = Annotated[dict[str, Any], Field(max_length=200)]


class Body(BaseModel):
    """Both requests. What A1111 itself does not know is passed over, as it does; see `refusals`."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    prompt: Prompt | None = None
    negative_prompt: Prompt | None = None
    styles: Annotated[list[Name], Field(max_length=MAX_STYLES)] | None = None
    seed: AnySeed = None
    sampler_name: Name | None = None
    sampler_index: Name | None = None
    scheduler: Name | None = None
    batch_size: Batch | None = None
    n_iter: Batch | None = None
    steps: Steps | None = None
    cfg_scale: CfgScale | None = None
    distilled_cfg_scale: Guidance | None = None
    width: Side | None = None
    height: Side | None = None
    denoising_strength: Strength | None = None
    sd_model_checkpoint: Name | None = None
    model: Name | None = None
    override_settings: Settings | None = None
    override_settings_restore_afterwards: bool | None = None
    send_images: bool | None = None
    save_images: bool | None = None
    alwayson_scripts: Scripts | None = None
    script_name: Name | None = None
    # What follows is known so that it can be refused.
    subseed_strength: float | None = None
    seed_resize_from_h: int | None = None
    seed_resize_from_w: int | None = None
    restore_faces: bool | None = None
    tiling: bool | None = None
    eta: float | None = None
    s_churn: float | None = None
    s_tmin: float | None = None
    s_tmax: float | None = None
    s_noise: float | None = None
    refiner_checkpoint: Name | None = None
    infotext: str | None = None

    @property
    def count(self) -> int:
        """How many pictures."""
        return (self.batch_size or 1) * (self.n_iter or 1)


class TextBody(Body):
    """txt2img."""

    enable_hr: bool | None = None
    hr_scale: float | None = None
    hr_upscaler: Name | None = None
    hr_second_pass_steps: int | None = Field(None, ge=0, le=MAX_STEPS)
    hr_resize_x: int | None = Field(None, ge=0, le=16384)
    hr_resize_y: int | None = Field(None, ge=0, le=16384)
    hr_checkpoint_name: Name | None = None
    hr_sampler_name: Name | None = None
    hr_scheduler: Name | None = None
    hr_prompt: Prompt | None = None
    hr_negative_prompt: Prompt | None = None
    firstphase_width: int | None = None
    firstphase_height: int | None = None


class ImageBody(Body):
    """img2img; pictures are base64."""

    init_images: list[str] | None = None
    mask: str | None = None
    mask_blur: Feather | None = None
    mask_blur_x: Feather | None = None
    mask_blur_y: Feather | None = None
    inpainting_fill: int | None = None
    inpaint_full_res: bool | None = None
    inpaint_full_res_padding: Padding | None = None
    inpainting_mask_invert: int | None = Field(None, ge=0, le=1)
    resize_mode: int | None = None
    include_init_images: bool | None = None
    initial_noise_multiplier: float | None = None
    image_cfg_scale: float | None = None
    latent_mask: str | None = None
