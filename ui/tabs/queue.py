"""The Queue tab: the grids, what runs, what waits in which order, and what became of the rest."""

from studio.service import Studio
from ui.components.element import own_element


def build(_: Studio) -> None:
    """Draw the tab. Nothing of it calls the server through Gradio."""
    own_element("grids_board", elem_id="grids")
    own_element("queue_board", elem_id="queue")
