"""The stage beside a form: what becomes of the jobs it submitted in this browser tab."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from studio.job import Job
from ui.components.element import own_element


def results(form: str, *, elem_id: str) -> gr.HTML:
    """A stage for the form of that name. Give it what `submitted` makes; it keeps the ids over a reload.

    Event: `vary` comes with `image_id`, a picture of which the person wants variations right away.
    """
    return own_element("results", elem_id=elem_id, head="/* events: 'vary' */", form=form)


def submitted(jobs: Sequence[Job]) -> dict[str, Any]:
    """The stage's value after these jobs were submitted."""
    return {"jobs": [job.id for job in jobs]}
