"""The History tab: everything made, to look at, search, mark, compare, take along and delete."""

from ui.components.gallery import gallery


def build() -> None:
    """Draw the tab. Nothing of it calls the server through Gradio."""
    gallery(elem_id="history")
