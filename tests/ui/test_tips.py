"""The terms of a form are explained where they stand, to the mouse and to those who hear the page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.studio_page import StudioPage

OpenPage = Callable[..., StudioPage]
TERMS = ("negative_prompt", "shape", "n", "seed", "steps", "cfg_scale", "sampler", "quality", "alternatives")
SENTENCE = re.compile(r"\w.{10,}\.$")


@pytest.mark.parametrize("form", ["txt2img", "edit", "variations"])
def test_a_term_is_explained_where_the_pointer_is(open_page: OpenPage, form: str) -> None:
    tab = open_page(form)
    for fold in ("sampling", "several") if form == "txt2img" else ("settings", "sampling", "several"):
        tab.page.locator(f"#{form}-{fold} > button").click()

    for term in TERMS if form == "txt2img" else (*TERMS, "strength"):
        widget = tab.page.locator(f"#{form}-{term}")
        widget.hover()
        expect(widget).to_have_attribute("title", SENTENCE)


def test_a_term_is_explained_to_those_who_hear_the_page(open_page: OpenPage) -> None:
    tab = open_page()

    tab.field("seed").focus()

    expect(tab.field("seed")).to_have_accessible_description(SENTENCE)
