"""The Models tab: every entry of models.yml, what it needs, and starting and stopping it."""

from studio.service import Studio
from ui.components.element import own_element


def build(studio: Studio) -> None:
    """Draw the tab. Nothing of it calls the server through Gradio."""
    own_element("models_board", elem_id="models", catalogue=studio.settings.models.name)
