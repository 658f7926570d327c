"""Form: what happens when a form is filled in. It counts, follows its model, and remembers itself."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.errors import StudioError
from studio.offers import offer_of
from studio.params import GenerationParams, JobType
from studio.service import Studio
from studio.wording import Alternatives
from ui.advanced import choices, offered
from ui.components.browser_store import browser_store
from ui.components.element import own_element
from ui.components.presets import presets
from ui.fields import Fields, default_model
from ui.requests import from_preset, in_words, to_params, to_preset
from ui.values import Values, button_words, restored, settled, shape_size, starting, switched
from ui.vocabulary import AS_INPUT, FIELDS, OWN_ELEMENTS

# Handlers of the page are no API, and answer at once without a place in a line.
PRIVATE: Mapping[str, Any] = {
    "api_visibility": "private",
    "api_name": "page",  # Gradio numbers them; the good names are for programs
    "queue": False,
    "show_progress": "hidden",
}
MOST_JOBS = 100
# Raised when fields change their meaning: what a browser kept of an older version is ignored.
VERSION = 1

_SETTINGS = ("steps", "cfg_scale", "sampler", "scheduler")
_COUNTED = ("prompt", "n", "lines", "alternatives")
_TURNED = "(w, h, shape) => [h, w, /:/.test(shape ?? '') ? shape.split(':').reverse().join(':') : shape]"


class Form:
    """The form of one tab, drawn where it is made. `outputs` takes what `fill` gives.

    `name` is the tab's id and begins every element's. The button says `verb`, and with a number of things
    "verb 3 nouns".
    """

    def __init__(
        self,
        studio: Studio,
        kind: JobType,
        *,
        name: str,
        verb: str = "Generate",
        noun: str = "picture",
        more: "Callable[[Form], object] | None" = None,
    ) -> None:
        """`more` draws what else stands above the button."""
        self.kind, self.name, self.verb, self.noun = kind, name, verb, noun
        self._studio = studio
        self.drawn = Fields(studio, kind, name=name)
        self.fields = self.drawn.widgets
        self.picture: gr.HTML | None = None  # the painter or picker of a tab whose jobs start from a picture
        with gr.Accordion("Presets", open=False, elem_id=f"{name}-presets-box"):
            self.presets = presets(elem_id=f"{name}-presets")
        if more is not None:
            more(self)
        with gr.Column(elem_classes=["st-foot"]):
            self.notice = own_element("notice", elem_id=f"{name}-notice", form=name)
            self.go = gr.Button(
                button_words(verb, noun, 1, 1),
                variant="primary",
                elem_id=f"{name}-go",
                elem_classes=["st-go"],
            )
        self._connect_model()
        self._connect_size()
        self._connect_seed()
        self._connect_count()
        self._connect_presets()
        self._remember()

    # -- for the tabs --------------------------------------------------------------------------------

    @property
    def inputs(self) -> list[Component]:
        """The widgets in the order of FIELDS."""
        return list(self.fields.values())

    @property
    def outputs(self) -> list[Any]:
        """What `fill` writes to."""
        return [*self.inputs, self.drawn.advanced.box, *self.drawn.advanced.groups.values()]

    @property
    def kept_inputs(self) -> list[Component]:
        """What a preset keeps."""
        return self.inputs

    def read(self, values: Sequence[Any]) -> Values:
        """What came of `inputs`, by name."""
        return dict(zip(FIELDS, values, strict=True))

    def fill(self, values: Mapping[str, Any]) -> list[Any]:
        """For `outputs`: these values, everything else as it is."""
        return self._written(values, values.get("model"))

    def _written(self, values: Mapping[str, Any], model_id: str | None) -> list[Any]:
        """For `outputs`: these values, and what a model takes is shown if one is named."""
        updates: dict[str, dict[str, Any]] = {name: {} for name in FIELDS}
        for name in updates.keys() & values.keys():
            updates[name]["value"] = values[name]
        box: dict[str, Any] = {}
        groups: dict[str, dict[str, Any]] = {name: {} for name in self.drawn.advanced.groups}
        if model_id is not None:
            entry = self._studio.models.get(model_id)
            offer = offer_of(entry.model, entry.features)
            shown = offered(offer)
            for name, is_shown in shown.items():
                (groups if name in groups else updates)[name]["visible"] = is_shown
            for name, words in choices(offer).items():
                updates[name]["choices"] = words
            box = {"visible": any(shown.values())}
        every = [*updates.values(), box, *groups.values()]
        written = [gr.update(**update) if update else gr.skip() for update in every]
        for name in OWN_ELEMENTS:
            if name in values:
                written[FIELDS.index(name)] = values[name]  # an element of our own takes plain values
        return written

    def keep(self) -> list[Any]:
        """For `outputs`: everything as it is."""
        return [gr.skip()] * len(self.outputs)

    def requests(self, values: Values, **inputs: Any) -> list[GenerationParams]:
        """One request for each prompt that the wording stands for. Errors: InvalidRequest."""
        model = self._studio.catalog.models.get(values["model"])
        if model is None or not model.takes_control:
            values = values | {"control_image": None}  # kept for another model, and hidden meanwhile
        prompts = self._studio.wording.expand(
            values["prompt"] or "",
            alternatives=Alternatives(values["alternatives"]),
            lines=values["lines"] is True,
            limit=MOST_JOBS,
        )
        return [to_params(values | {"prompt": prompt}, self.kind, **inputs) for prompt in prompts]

    def on_go(self, handler: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Have the button call `handler`, which submits and returns at once: each press counts."""
        self.go.click(handler, list(inputs), list(outputs), trigger_mode="multiple", **PRIVATE)

    # -- what happens --------------------------------------------------------------------------------

    def _those(self, *names: str) -> list[Any]:
        return [self.fields[name] for name in names]

    def _connect_model(self) -> None:
        model, drawn = self.fields["model"], self.drawn
        model.input(self._switch, self.inputs, self.outputs, **PRIVATE)
        chosen = (
            f"id => {{ (globalThis.studioModels ??= {{}})['{self.name}'] = id;"
            " document.dispatchEvent(new Event('studio:model')); return [id, id]; }"
        )
        model.change(None, model, [drawn.about_model, drawn.examples], js=chosen, **PRIVATE)
        hires = self.fields["hires"]
        hires.change(
            lambda is_on: gr.update(visible=is_on is True), hires, drawn.advanced.second_pass, **PRIVATE
        )
        for word in self._those("quality", "style"):
            word.input(
                self._settle, self._those("model", "quality", "style"), self._those(*_SETTINGS), **PRIVATE
            )

    def _connect_size(self) -> None:
        shape, sides = self.fields["shape"], self._those("width", "height")
        shape.input(self._take_shape, self._those("shape", "model"), sides, **PRIVATE)
        for side in sides:
            side.input(None, None, shape, js="() => null", **PRIVATE)
        self.drawn.swap.click(None, [*sides, shape], [*sides, shape], js=_TURNED, **PRIVATE)

        if self.kind is JobType.VARIATION:
            strength, far = self.fields["strength"], self.drawn.far
            far.input(None, far, strength, js="far => far", **PRIVATE)
            values = json.dumps([value for _, value in far.choices])
            strength.change(
                None,
                strength,
                far,
                js=f"strength => {values}.find(far => far === strength) ?? null",
                **PRIVATE,
            )

    def _connect_seed(self) -> None:
        seed = self.fields["seed"]
        self.drawn.dice.click(None, None, seed, js="() => ''", **PRIVATE)
        module = "(await import(new URL('studio-assets/js/seeds.js', document.baseURI)))"
        last = f"async seed => {module}.lastSeed('{self.name}', seed)"
        self.drawn.reuse.click(None, seed, seed, js=last, **PRIVATE)

    def _connect_count(self) -> None:
        counted = self._those(*_COUNTED)
        gr.on(
            [widget.change for widget in counted], self._count, counted, [self.go, self.notice],
            trigger_mode="always_last", **PRIVATE,
        )  # fmt: skip

    def _switch(self, *values: Any) -> list[Any]:
        entered = self.read(values)
        model = self._studio.catalog.models.get(entered["model"])
        return self.keep() if model is None else self.fill(switched(model, self.kind, entered))

    def _settle(self, model_id: str, quality: str, style: str) -> list[Any]:
        model = self._studio.catalog.models.get(model_id) or default_model(self._studio, self.kind)
        return list(settled(model, self.kind, quality, style).values())

    def _take_shape(self, shape: str | None, model_id: str) -> list[Any]:
        model = self._studio.catalog.models.get(model_id) or default_model(self._studio, self.kind)
        size = shape_size(shape, model)
        if size is None:
            return [None, None] if shape == AS_INPUT else [gr.skip(), gr.skip()]
        return list(size)

    def _count(self, prompt: str, n: int, lines: bool, alternatives: str) -> tuple[Any, Any]:
        """The words on the button: what pressing it makes."""
        choice = Alternatives(alternatives)
        try:
            jobs = self._studio.wording.count(prompt or "", alternatives=choice, lines=lines)
        except StudioError as error:
            return button_words(self.verb, self.noun, 1, 1), said(error)
        return button_words(self.verb, self.noun, int(n or 1), jobs), None

    # -- presets and memory --------------------------------------------------------------------------

    def _connect_presets(self) -> None:
        """The element asks for what the form holds, to save it, and hands over what a preset holds."""
        self.presets.collect(self._collect, self.kept_inputs, self.presets, **PRIVATE)
        self.presets.apply(self._apply, None, [*self.outputs, self.notice], **PRIVATE)

    def _collect(self, *values: Any) -> dict[str, Any]:
        return {"collected": to_preset(self.read(values), self.kind)}

    def _apply(self, event: gr.EventData) -> list[Any]:
        params = getattr(event, "params", None)
        known = params if isinstance(params, Mapping) else {}
        return [*self.fill(from_preset(known, self._studio.catalog)), None]

    def _remember(self) -> None:
        """The browser keeps what the form holds, and gives it back after a reload."""
        page, kept = browser_store(f"studio-form-{self.name}")
        named = f"Object.fromEntries({json.dumps(FIELDS)}.map((name, i) => [name, values[i]]))"
        save = f"(...values) => [{{version: {VERSION}, values: {named}}}]"
        gr.on([widget.change for widget in self.fields.values()], None, self.inputs, kept, js=save, **PRIVATE)
        filled = (
            f"() => {{ (globalThis.studioFilled ??= new Set()).add('{self.name}');"
            " document.dispatchEvent(new Event('studio:filled')); }"
        )
        page.load(self._restore, kept, self.outputs, **PRIVATE).then(None, js=filled, **PRIVATE)

    def _restore(self, kept: Any) -> list[Any]:
        model = default_model(self._studio, self.kind)
        if not isinstance(kept, Mapping) or kept.get("version") != VERSION:
            # As it was drawn, or somebody began to fill it in. But Gradio draws an empty number as 0.
            fresh = starting(model, self.kind)
            return self._written({name: None for name, value in fresh.items() if value is None}, model.id)
        return self.fill(restored(kept.get("values"), self._studio.catalog, model, self.kind))


def said(error: StudioError) -> dict[str, Any]:
    """The value of a form's notice for this fault."""
    return {"text": in_words(error), "field": getattr(error, "field", "")}
