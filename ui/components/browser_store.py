"""What the browser keeps of the page: settings that are there again after a reload."""

from typing import Any

import gradio as gr
from gradio.context import Context


def browser_store(key: str) -> tuple[Any, Any]:
    """(page, store): a place in the browser under that key, and the page it belongs to, for its `load`.

    The store lies on the page itself, wherever it is made: in a tab it would be read no sooner than the tab
    is shown, which is after the page was filled from it.
    """
    page = Context.root_block
    assert page is not None, "settings are kept for something on a page"
    store = gr.BrowserState(None, storage_key=key, secret="kept in clear")
    if store.parent is not None:
        store.parent.children.remove(store)
        page.add(store)
    return page, store
