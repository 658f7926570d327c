"""One asked-for piece of image work, whichever HTTP family it came by."""

import json
import random
import re
from typing import Any

from stub.config import Config
from stub.words import SAMPLERS, SCHEDULERS

_DIRECTIVE = re.compile(r"\[\[stub ([^\]]*)\]\]")
_EXTRA = re.compile(r"<sd_cpp_extra_args>(.*?)</sd_cpp_extra_args>", re.S)
_SIZE = re.compile(r"(\d+)x(\d+)")


def _integer(body: dict[str, Any], key: str, otherwise: int) -> int:
    value = body.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _number(body: dict[str, Any], key: str, otherwise: float) -> float:
    value = body.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


class ImageRequest:
    """What to draw. A side of -1 is not given yet; `resolve` fills such fields in."""

    def __init__(
        self,
        config: Config,
        prompt: str,
        *,
        negative_prompt: str = "",
        width: int = -1,
        height: int = -1,
        count: int = 1,
        seed: int | None = None,
        steps: int | None = None,
        cfg_scale: float | None = None,
        kind: str = "txt2img",
        output_format: str = "png",
    ) -> None:
        self._config = config
        found = _DIRECTIVE.search(prompt)
        pairs = (word.split("=", 1) for word in found[1].split() if "=" in word) if found else ()
        self.directive: dict[str, str] = dict(pairs)
        self.prompt = prompt
        self.negative_prompt = negative_prompt
        self.width, self.height, self.count = width, height, count
        self.seed = config.seed if seed is None else seed
        self.steps = config.steps if steps is None else steps
        self.cfg_scale = config.cfg_scale if cfg_scale is None else cfg_scale
        self.sampler, self.scheduler = "euler_a", "discrete"
        self.strength = 0.75
        self.kind, self.output_format = kind, output_format

    @property
    def latency(self) -> float:
        """Seconds per picture: the directive's, else the stub's own."""
        return float(self.directive["lat"]) / 1000 if "lat" in self.directive else self._config.latency

    def apply_native(self, body: dict[str, Any]) -> None:
        """Take what the native schema gives; unknown keys and wrong types are ignored, as in the engine."""
        if isinstance(body.get("prompt"), str):
            self.prompt = body["prompt"]
        if isinstance(body.get("negative_prompt"), str):
            self.negative_prompt = body["negative_prompt"]
        self.width = _integer(body, "width", self.width)
        self.height = _integer(body, "height", self.height)
        self.count = _integer(body, "batch_count", self.count)
        self.seed = _integer(body, "seed", self.seed)
        self.strength = _number(body, "strength", self.strength)
        sampling = body.get("sample_params")
        if not isinstance(sampling, dict):
            return
        self.steps = _integer(sampling, "sample_steps", self.steps)
        if sampling.get("sample_method") in SAMPLERS:
            self.sampler = sampling["sample_method"]
        if sampling.get("scheduler") in SCHEDULERS:
            self.scheduler = sampling["scheduler"]
        guidance = sampling.get("guidance")
        if isinstance(guidance, dict):
            self.cfg_scale = _number(guidance, "txt_cfg", self.cfg_scale)

    def extract_extra(self) -> bool:
        """Move the JSON of an <sd_cpp_extra_args> tag from the prompt to the fields; False if it is none."""
        found = _EXTRA.search(self.prompt)
        if found is None:
            return True
        self.prompt = _EXTRA.sub("", self.prompt)
        try:
            extra = json.loads(found[1])
        except ValueError:
            return False
        if isinstance(extra, dict):
            self.apply_native(extra)
        return True

    def resolve(self) -> bool:
        """Fill in what isn't given; False if the engine would refuse the values."""
        if self.steps < 1:  # the engine falls back to its default
            self.steps = self._config.steps
        if self.count < 1 or not 0 <= self.strength <= 1 or self.cfg_scale < 0:
            return False
        forced = _SIZE.fullmatch(self._config.forced_size)
        if forced:
            self.width, self.height = int(forced[1]), int(forced[2])
        if self.width <= 0:
            self.width = self._config.width or 512
        if self.height <= 0:
            self.height = self._config.height or 512
        if self.seed < 0:
            self.seed = random.getrandbits(31)
        if "steps" in self.directive:
            self.steps = int(self.directive["steps"])
        return True

    def parameters(self, seed: int) -> str:
        """The text that the picture of that seed carries."""
        lines = [self.prompt]
        if self.negative_prompt:
            lines.append(f"Negative prompt: {self.negative_prompt}")
        lines.append(
            f"Steps: {self.steps}, CFG scale: {self.cfg_scale:.6f}, Guidance: 3.500000, Eta: 0.000000, "
            f"Seed: {seed}, Size: {self.width}x{self.height}, Model: {self._config.model_name}, "
            f"RNG: cuda, Sampler: {self.sampler} {self.scheduler}, Version: stable-diffusion.cpp (stub)"
        )
        return "\n".join(lines)
