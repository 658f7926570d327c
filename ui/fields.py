"""Fields: a widget for each field of a form, in the order in which people fill it in."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.model import Model
from studio.offers import offer_of
from studio.params import SAMPLERS, SCHEDULERS, JobType
from studio.service import Studio
from studio.wording import Alternatives
from ui.advanced import Advanced
from ui.components.element import own_element
from ui.values import starting
from ui.vocabulary import AS_INPUT, FIELDS, LABELS, MEDIUM, SHAPES

_QUALITIES = [
    ("As the model likes", ""),
    ("Low: half the steps", "low"),
    ("Standard", "standard"),
    ("High", "high"),
    ("HD: twice the steps", "hd"),
]
_STYLES = [("None", ""), ("Vivid", "vivid"), ("Natural", "natural")]
_ALTERNATIVES = [("One by chance", Alternatives.RANDOM.value), ("Every combination", Alternatives.ALL.value)]
# Not the widget's own hint: that is Markdown, to which underscores mean something else.
_HELP = (
    '<p class="st-help"><code>{red|blue}</code> leaves a choice, '
    "<code>__name__</code> stands for a line of <code>wildcards/name.txt</code></p>"
)
_FAR = [("Subtle", 0.35), ("Medium", MEDIUM), ("Strong", 0.75)]
_HINTS = {
    JobType.GENERATE: "What should the picture show?",
    JobType.EDIT: "What should be there instead?",
    JobType.VARIATION: "Optional: what the picture shows",
}


def default_model(studio: Studio, kind: JobType) -> Model:
    """The catalogue's default if it does such jobs, else the first that does."""
    catalog = studio.catalog
    models = [catalog.model(catalog.default), *catalog.models.values()]
    return next((model for model in models if model.capabilities.does(kind)), models[0])


def model_choices(studio: Studio, kind: JobType) -> list[tuple[str, str]]:
    """(shown, id) of the models that do such jobs; those that lie on this machine first."""
    entries = [entry for entry in studio.models.all() if entry.model.capabilities.does(kind)]
    entries.sort(key=lambda entry: bool(entry.missing))
    return [
        (entry.model.name + (" (not downloaded)" if entry.missing else ""), entry.model.id)
        for entry in entries
    ]


class Fields:
    """The widgets of one form. `widgets` has them by name in the order of FIELDS; `name` begins their ids."""

    def __init__(self, studio: Studio, kind: JobType, *, name: str) -> None:
        self.kind, self.name = kind, name
        self._studio = studio
        self._start = starting(default_model(studio, kind), kind)
        # Gradio adds events to its components at run time, where no type checker sees them.
        self._drawn: dict[str, Any] = {}
        if kind is JobType.GENERATE:
            self._draw_prompt()
            self._draw_settings()
        else:
            self._draw_prompt()
            self._draw_strength()
            self._draw_count()
            with gr.Accordion("Model and settings", open=False, elem_id=f"{name}-settings"):
                self._draw_settings()
        self._draw_several()
        self.widgets = {field: self._drawn[field] for field in FIELDS}

    def _add(self, field: str, widget: Callable[..., Component], **options: Any) -> None:
        self._drawn[field] = widget(
            label=LABELS[field],
            value=self._start[field],
            elem_id=f"{self.name}-{field}",
            interactive=True,
            **options,
        )

    def _draw_prompt(self) -> None:
        lines = 3 if self.kind is JobType.GENERATE else 2
        self._add("prompt", gr.Textbox, lines=lines, max_lines=14, placeholder=_HINTS[self.kind])
        self.examples = own_element(
            "examples", elem_id=f"{self.name}-examples", value=self._start["model"], form=self.name,
            visible=self.kind is JobType.GENERATE,
        )  # fmt: skip

    def _draw_settings(self) -> None:
        self._draw_model()
        self._draw_size()
        if self.kind is JobType.GENERATE:
            self._draw_count()
        self._draw_seed()
        self._draw_sampling()
        self._draw_advanced()

    def _draw_model(self) -> None:
        self._add("negative_prompt", gr.Textbox, lines=1, max_lines=8, placeholder="What to avoid")
        self._add("model", gr.Dropdown, choices=model_choices(self._studio, self.kind))
        self.about_model = own_element(
            "about_model", elem_id=f"{self.name}-about-model", value=self._start["model"]
        )

    def _draw_size(self) -> None:
        shapes = [(shape, shape) for shape in SHAPES]
        if self.kind is not JobType.GENERATE:
            shapes.insert(0, ("As source", AS_INPUT))
        # Without bounds, as all numbers here: Gradio answers what is outside with a fault no field shows.
        limits: dict[str, Any] = {"precision": 0, "step": 8, "min_width": 90}
        self._add("shape", gr.Radio, choices=shapes, elem_classes=["st-choices"])
        with gr.Row(elem_classes=["st-tight"]):
            self._add("width", gr.Number, **limits)
            self.swap = gr.Button("Swap", elem_id=f"{self.name}-swap", elem_classes=["st-side"], min_width=40)
            self._add("height", gr.Number, **limits)

    def _draw_strength(self) -> None:
        """How far from the picture: in words, and with the number."""
        self.far = gr.Radio(
            _FAR, value=self._start["strength"], label="How far", elem_id=f"{self.name}-far",
            elem_classes=["st-choices"],
            visible=self.kind is JobType.VARIATION,
        )  # fmt: skip
        self._add(
            "strength", gr.Slider, minimum=0, maximum=1, step=0.01, buttons=[],
            info="0 keeps the picture, 1 ignores it",
        )  # fmt: skip

    def _draw_count(self) -> None:
        self._add("n", gr.Slider, minimum=1, maximum=10, step=1, buttons=[])

    def _draw_seed(self) -> None:
        with gr.Row(elem_classes=["st-tight"]):
            self._add("seed", gr.Textbox, placeholder="a new one each time", max_lines=1, min_width=140)
            self.dice = gr.Button(
                "Random", elem_id=f"{self.name}-dice", elem_classes=["st-side"], min_width=70
            )
            self.reuse = gr.Button(
                "Reuse last", elem_id=f"{self.name}-reuse", elem_classes=["st-side"], min_width=80
            )

    def _draw_sampling(self) -> None:
        with gr.Row(elem_classes=["st-tight"]):
            self._add("steps", gr.Slider, minimum=1, maximum=100, step=1, min_width=140, buttons=[])
            self._add("cfg_scale", gr.Slider, minimum=0, maximum=30, step=0.1, min_width=140, buttons=[])
        with gr.Accordion("Sampler, quality and style", open=False, elem_id=f"{self.name}-sampling"):
            with gr.Row(elem_classes=["st-tight"]):
                self._add("sampler", gr.Dropdown, choices=list(SAMPLERS), min_width=120)
                self._add("scheduler", gr.Dropdown, choices=list(SCHEDULERS), min_width=120)
            with gr.Row(elem_classes=["st-tight"]):
                self._add("quality", gr.Dropdown, choices=_QUALITIES, min_width=120, info="Sets the steps")
                self._add("style", gr.Dropdown, choices=_STYLES, min_width=120, info="Adds words")

    def _draw_several(self) -> None:
        with gr.Accordion("Several prompts at once", open=False, elem_id=f"{self.name}-several"):
            self._add("lines", gr.Checkbox)
            self._add("alternatives", gr.Radio, choices=_ALTERNATIVES, elem_classes=["st-choices"])
            gr.HTML(_HELP, padding=False, apply_default_css=False, elem_classes=["st-host"])

    def _draw_advanced(self) -> None:
        model = default_model(self._studio, self.kind)
        self.advanced = Advanced(self._add, offer_of(model, None), name=self.name, model_id=model.id)
        if self.kind is JobType.GENERATE:
            self._add("strength", gr.Slider, visible=False)
