"""Edit: a picture changed where somebody painted on it, at its sides, or as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr

from studio.errors import InvalidRequest, NotFound, StudioError
from studio.extras import Extend
from studio.job import Job
from studio.params import GenerationParams, JobType
from studio.service import Studio
from studio.wording import Alternatives
from ui.components.browser_store import browser_store
from ui.components.edit_views import AIM_OF, SUBMITTED, aimed, edit_views
from ui.components.painter import painter
from ui.components.references import read_references, references
from ui.components.results import results, submitted
from ui.fields import default_model
from ui.form import PRIVATE, Form, said
from ui.mask import Painting, read_painting
from ui.vocabulary import AREA

_WHOLE, _MASKED = "whole", "masked"
_AREAS = [("Whole picture", _WHOLE), ("Only the painted area", _MASKED)]
_MOST_PADDING = 256
_PADDING = GenerationParams.model_fields["inpaint_padding"].default
# What the button does, by what the painter holds.
_VERBS = {
    "whole": "Repaint the whole picture (nothing painted)",
    "paint": "Repaint the painted area",
    "extend": "Extend the picture",
    "both": "Extend and repaint the painted area",
}
_NONE_CHOSEN = "Choose a picture first"
# What the button says while it can't be pressed.
_NOT_YET = {"none": _NONE_CHOSEN, "wait": "Opening the picture…"}
_BY_REFERENCE = "Edit the picture"
_NEW_GROUND = "Always 1 here: new ground keeps nothing"
_STRENGTHS = {
    "none": "0 keeps the picture, 1 ignores it",
    "wait": "0 keeps the picture, 1 ignores it",
    "whole": "0 keeps the picture, 1 ignores it",
    "paint": "0 keeps what is under the paint, 1 ignores it",
    "extend": _NEW_GROUND,
    "both": _NEW_GROUND,
}
_STRENGTH_OF_REFERENCES = "No effect: this model follows the prompt alone"
# Stands for the mask's id while the rest of a request is checked.
_NOT_STORED_YET = "0" * 64
_CHOOSE = (
    "async painting => { const { chooseFromHistory } = "
    "await import(new URL('studio-assets/js/history_chooser.js', document.baseURI));"
    " const id = await chooseFromHistory(); return id === null ? painting : { open_image: id }; }"
)
_KEEP = "(area, padding) => [{ area, padding }]"


class EditForm(Form):
    """The form of the edit tab. Its button and its strength tell what the painter asks for.

    `aim` is the element of `ui.components.edit_views`; `area` and `padding` say how paint is used.
    """

    def __init__(self, studio: Studio, aim: gr.HTML, area: gr.Radio, padding: gr.Slider) -> None:
        self._aim: Any = aim
        self._area = [area, padding]
        super().__init__(studio, JobType.EDIT, name="edit", verb=_NONE_CHOSEN)
        self.go.interactive = False

    def _connect_count(self) -> None:
        model, counted = self.fields["model"], ("prompt", "n", "lines", "alternatives")
        told = [self._aim, model, *(self.fields[name] for name in counted)]
        gr.on(
            [widget.change for widget in told], self._tell, told, [self.go, self.notice],
            trigger_mode="always_last", **PRIVATE,
        )  # fmt: skip
        gr.on(
            [self._aim.change, model.change], self._explain, [self._aim, model], self.fields["strength"],
            trigger_mode="always_last", **PRIVATE,
        )  # fmt: skip

    @property
    def kept_inputs(self) -> list[Any]:
        return [*self._area, *self.inputs]

    @property
    def outputs(self) -> list[Any]:
        return [*self._area, *super().outputs]

    def _collect(self, area: Any, padding: Any, *values: Any) -> dict[str, Any]:
        kept = super()._collect(*values)["collected"]
        if area == _MASKED:
            kept |= dict(zip(AREA, (area, _PADDING if padding is None else int(padding)), strict=True))
        return {"collected": kept}

    def _written(self, values: Mapping[str, Any], model_id: str | None) -> list[Any]:
        beside = [gr.update(value=values[name]) if name in values else gr.skip() for name in AREA]
        return [*beside, *super()._written(values, model_id)]

    def looks(self, model_id: str) -> bool:
        """Whether that model is shown the picture instead of starting from it."""
        model = self._studio.catalog.models.get(model_id)
        return model is not None and model.capabilities.references

    def _tell(
        self, value: Any, model_id: str, prompt: str, n: int, lines: bool, alternatives: str
    ) -> tuple[Any, Any]:
        """The words on the button, and whether it can be pressed."""
        aim = aimed(value)
        if aim in _NOT_YET:
            return gr.update(value=_NOT_YET[aim], interactive=False), None
        verb = _BY_REFERENCE if aim == "whole" and self.looks(model_id) else _VERBS[aim]
        try:
            choice = Alternatives(alternatives)
            jobs = self._studio.wording.count(prompt or "", alternatives=choice, lines=lines)
        except StudioError as error:
            return gr.update(value=verb, interactive=True), said(error)
        pictures = int(n or 1) * jobs
        if pictures > 1:
            verb += f": {pictures:,} pictures" + (f" in {jobs:,} jobs" if jobs > 1 else "")
        return gr.update(value=verb, interactive=True), None

    def _explain(self, value: Any, model_id: str) -> Any:
        """What the strength does now, if it does anything."""
        aim = aimed(value)
        if aim == "whole" and self.looks(model_id):
            return gr.update(info=_STRENGTH_OF_REFERENCES, interactive=False)
        return gr.update(info=_STRENGTHS[aim], interactive=aim not in ("extend", "both"))


class _Board:
    """The picture's side of the tab: the painter, how its paint is used, and what came of it."""

    def __init__(self, looks: bool) -> None:
        self.views: Any = edit_views(elem_id="edit-views")
        self.painter: Any = painter(elem_id="edit-painter")
        with gr.Column(elem_id="edit-board-painting"):
            with gr.Row(elem_id="edit-area-row"):
                self.area: Any = gr.Radio(
                    _AREAS, value=_WHOLE, label="Inpaint area", elem_id="edit-area",
                    info="What the model draws at its own size", elem_classes=["st-choices"],
                )  # fmt: skip
                self.padding: Any = gr.Slider(
                    0, _MOST_PADDING, _PADDING, step=1, label="Padding in pixels", elem_id="edit-padding",
                    visible=False, buttons=[],
                )  # fmt: skip
            # The column is what is shown and hidden: an element of our own would lose its settings.
            with gr.Column(visible=looks) as self.looking:
                self.references = references(elem_id="edit-references")
        self.stage: Any = results("edit", elem_id="edit-stage")
        self._connect()
        self._remember()

    def _connect(self) -> None:
        self.stage.change(None, None, None, js=SUBMITTED, **PRIVATE)
        self.painter.change(None, self.painter, self.views, js=AIM_OF, **PRIVATE)
        self.painter.choose(None, self.painter, self.painter, js=_CHOOSE, **PRIVATE)
        self.area.change(lambda area: gr.update(visible=area == _MASKED), self.area, self.padding, **PRIVATE)

    def _remember(self) -> None:
        """The browser keeps how the paint is used, as the form keeps the rest."""
        page, kept = browser_store("studio-form-edit-area")
        both = [self.area, self.padding]
        gr.on([widget.change for widget in both], None, both, kept, js=_KEEP, **PRIVATE)
        page.load(_restored, kept, both, **PRIVATE)


def build(studio: Studio) -> EditForm:
    """The tab: the picture and the result on the right, how to change it on the left."""
    looks = default_model(studio, JobType.EDIT).capabilities.references
    # The picture comes first in the page, too: on a phone it is on top, and the keyboard reaches it first.
    with gr.Row(elem_classes=["st-work", "st-edit"]):
        with gr.Column(elem_classes=["st-stage-column", "st-edit-board"]):
            board = _Board(looks)
        with gr.Column(elem_classes=["st-panel-column"]):
            form = EditForm(studio, board.views, board.area, board.padding)
            form.picture = board.painter

    def edit(painted: Any, area: str, padding: float | None, looked_at: Any, *values: Any) -> tuple[Any, Any]:
        try:
            painting = read_painting(painted)
            if painting is None:
                raise InvalidRequest("choose one to edit: drop, paste or open it", field="image")
            entered = form.read(values)
            asked = _asked(painting, area, padding)
            if form.looks(entered["model"]):
                asked["references"] = read_references(looked_at)
            return submitted(_submit(studio, form, painting, entered, asked)), None
        except StudioError as error:
            return gr.skip(), said(error)

    inputs = [board.painter, board.area, board.padding, board.references, *form.inputs]
    form.on_go(edit, inputs, [board.stage, form.notice])
    model = form.fields["model"]
    model.change(lambda name: gr.update(visible=form.looks(name)), model, board.looking, **PRIVATE)
    return form


def _asked(painting: Painting, area: str, padding: float | None) -> dict[str, Any]:
    """The fields of a request that say what happens to the picture."""
    asked: dict[str, Any] = {"mask_feather": painting.feather}
    if painting.extend:
        asked["extend"] = Extend(**asdict(painting.extend))
    if area == _MASKED and (painting.extend or painting.mask is not None):
        asked |= {"inpaint_area": _MASKED, "inpaint_padding": _PADDING if padding is None else int(padding)}
    return asked


def _submit(
    studio: Studio, form: Form, painting: Painting, entered: dict[str, Any], asked: Mapping[str, Any]
) -> Sequence[Job]:
    """The jobs. Errors: InvalidRequest, also if the picture is gone; and those of Studio.submit_all."""
    if painting.extend:
        # New ground is drawn from nothing, and on the whole picture the size follows from what it grows by.
        entered = entered | {"strength": None}
        entered |= {} if "inpaint_area" in asked else {"width": None, "height": None}
    # Whatever is wrong with the form is told before a mask is stored for it.
    mask = None if painting.mask is None else _NOT_STORED_YET
    requests = form.requests(entered, input_image=painting.image_id, mask=mask, **asked)
    try:
        stored = studio.inputs.save_painted(painting.image_id, painting.mask)
    except NotFound:
        raise InvalidRequest("it is not stored any more; choose it again", field="image") from None
    requests = [request.model_copy(update={"mask": stored.mask}) for request in requests]
    return studio.submit_all(requests, input_size=stored.size)


def _restored(kept: Any) -> tuple[Any, Any]:
    found = kept if isinstance(kept, Mapping) else {}
    area, padding = found.get("area"), found.get("padding")
    is_masked = area == _MASKED
    sound = (
        isinstance(padding, int | float) and not isinstance(padding, bool) and 0 <= padding <= _MOST_PADDING
    )
    return (
        gr.update(value=_MASKED if is_masked else _WHOLE),
        gr.update(value=padding if sound else _PADDING, visible=is_masked),
    )
