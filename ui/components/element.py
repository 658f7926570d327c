"""How a component of our own gets onto the page: an empty element, filled by a module of assets/js."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import gradio as gr


def own_element(
    module: str,
    *,
    elem_id: str,
    value: Any = None,
    head: str = "",
    settings: Mapping[str, Any] = MappingProxyType({}),
    **props: Any,
) -> gr.HTML:
    """A gr.HTML that `assets/js/<module>.js` draws into, by its `mount`.

    `mount` gets {element, props, trigger, watch, settings}. Values are plain JSON in both directions. `head`
    is code that names, in quotes, the events the module triggers: Gradio wires only events whose names occur
    in the code it is given. `settings` never change; unlike `props` they outlive an update that comes before
    the element is first shown.
    """
    script = (
        f"{head};import(new URL('studio-assets/js/{module}.js', document.baseURI))"
        ".then(module => module.mount({element, props, trigger, watch, settings:"
        f" {json.dumps(dict(settings))}}}))"
        ".catch(error => {"
        " element.textContent = 'This part of the page could not be loaded: ' + error.message; });"
    )
    return gr.HTML(
        value=value,
        html_template='<div class="st-element"></div>',
        js_on_load=script,
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes=["st-host"],
        padding=False,
        **props,
    )
