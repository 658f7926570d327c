"""Advanced: the settings that act on some models only, hidden where they would do nothing."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from studio.extras import MAX_LORAS, Lora
from studio.offers import Offer
from ui.components.control_picture import control_picture
from ui.components.element import own_element
from ui.vocabulary import CHOICES, RANGES

Add = Callable[..., Any]
"""(field, widget, **options): draws the widget of a field with its label and value."""

GROUPS = ("control", "loras", "hires")
"""Settings of several widgets, or of an element of our own, which would lose its value when hidden."""

_TILING = [("Model's own", ""), ("On: less memory, more time", "on"), ("Off", "off")]
_CACHES = {
    "": "Off",
    "easycache": "EasyCache",
    "dbcache": "DBCache",
    "taylorseer": "TaylorSeer",
    "cache-dit": "Cache-DiT",
    "ucache": "UCache",
}
_WEIGHTS = Lora.model_fields["weight"]


def offered(offer: Offer) -> dict[str, bool]:
    """Which of these settings act on a model, by field."""
    return {
        "clip_skip": offer.clip_skip,
        "distilled_guidance": offer.distilled_guidance,
        "flow_shift": offer.flow_shift,
        "control": offer.control,
        "loras": offer.loras,
        "hires": bool(offer.upscalers),
        "vae_tiling": offer.vae_tiling,
        "cache": bool(offer.caches),
    }


def choices(offer: Offer) -> dict[str, list[Any]]:
    """What the lists of a form hold for a model, by field: words, or (shown, word).

    A form is drawn with all there are and told these once it is on the page: Gradio refuses a word that is in
    the list of a page that an earlier run of the studio served, but not in the list as it was drawn.
    """
    return {
        "sampler": list(offer.samplers),
        "scheduler": list(offer.schedulers),
        "hires_upscaler": list(offer.upscalers) or list(CHOICES["hires_upscaler"]),
        "cache": _named(("", *offer.caches)),
    }


def _named(caches: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(_CACHES.get(cache, cache), cache) for cache in caches]


class Advanced:
    """The section, drawn where it is made by `add`. `groups` are its columns by the names of GROUPS."""

    def __init__(self, add: Add, offer: Offer, *, name: str, model_id: str) -> None:
        self._add, self._name, self._model_id = add, name, model_id
        self._shown = offered(offer)
        self.groups: dict[str, Any] = {}
        with gr.Accordion(
            "Advanced", open=False, visible=any(self._shown.values()), elem_id=f"{name}-advanced"
        ) as self.box:
            self._draw_control()
            self._draw_guidance()
            self._draw_loras()
            self._draw_hires()
            self._draw_memory()

    def _draw_control(self) -> None:
        with gr.Column(visible=self._shown["control"], elem_classes=["st-group"]) as self.groups["control"]:
            self._add("control_image", control_picture)
            self._add(
                "control_strength", gr.Slider, **_range("control_strength"), step=0.05, buttons=[],
                info="0 does not follow it at all",
            )  # fmt: skip

    def _draw_guidance(self) -> None:
        shown = self._shown
        self._add(
            "clip_skip", gr.Number, precision=0, visible=shown["clip_skip"],
            info="1 uses all layers of CLIP, 2 leaves one out",
        )  # fmt: skip
        self._add(
            "distilled_guidance", gr.Number, step=0.1,
            visible=shown["distilled_guidance"], info="How strictly FLUX follows the prompt; empty: 3.5",
        )  # fmt: skip
        self._add(
            "flow_shift", gr.Number, step=0.1, visible=shown["flow_shift"],
            info="Higher cares more for the composition; empty: the model's own",
        )  # fmt: skip

    def _draw_loras(self) -> None:
        with gr.Column(visible=self._shown["loras"], elem_classes=["st-group"]) as self.groups["loras"]:
            self._add("loras", _loras, form=self._name, model=self._model_id)

    def _draw_hires(self) -> None:
        with gr.Column(visible=self._shown["hires"], elem_classes=["st-group"]) as self.groups["hires"]:
            self._add(
                "hires", gr.Checkbox, info="A second pass makes the picture larger and draws it over",
            )  # fmt: skip
            with gr.Column(visible=False, elem_classes=["st-group"]) as self.second_pass:
                with gr.Row(elem_classes=["st-tight"]):
                    self._add(
                        "hires_scale",
                        gr.Slider,
                        **_range("hires_scale"),
                        step=0.05,
                        min_width=140,
                        buttons=[],
                    )
                    self._add(
                        "hires_denoising_strength", gr.Slider, **_range("hires_denoising_strength"),
                        step=0.01, min_width=140, buttons=[],
                    )  # fmt: skip
                with gr.Row(elem_classes=["st-tight"]):
                    self._add(
                        "hires_upscaler", gr.Dropdown, choices=list(CHOICES["hires_upscaler"]), min_width=140,
                        info="Enlarges before that",
                    )  # fmt: skip
                    self._add(
                        "hires_steps", gr.Number, precision=0, min_width=120,
                        info="0: as many as the first",
                    )  # fmt: skip

    def _draw_memory(self) -> None:
        with gr.Row(elem_classes=["st-tight"]):
            self._add(
                "vae_tiling", gr.Dropdown, choices=_TILING, visible=self._shown["vae_tiling"], min_width=140,
                info="Decodes in tiles",
            )  # fmt: skip
            self._add(
                "cache", gr.Dropdown, choices=_named(CHOICES["cache"]), visible=self._shown["cache"],
                min_width=140, info="Faster, a little less exact",
            )  # fmt: skip


def _range(field: str) -> dict[str, float]:
    least, most = RANGES[field]
    return {"minimum": least, "maximum": most}


def _loras(*, label: str, value: Any, elem_id: str, interactive: bool, form: str, model: str) -> gr.HTML:
    """A list of LoRAs with their weights. Its value: [{"name", "weight"}, ...] | None."""
    del interactive  # Our own elements are.
    bounds = {type(rule).__name__: rule for rule in _WEIGHTS.metadata}
    settings = {
        "words": label,
        "form": form,
        "model": model,
        "most": MAX_LORAS,
        "least_weight": bounds["Ge"].ge,
        "most_weight": bounds["Le"].le,
        "usual_weight": _WEIGHTS.default,
    }
    return own_element("loras", elem_id=elem_id, value=value, settings=settings)
