"""The Settings tab: how the page looks and calls, where things are, and what this studio is."""

from pathlib import Path

from studio.service import Studio
from ui.components.element import own_element


def build(studio: Studio) -> None:
    """Draw the tab. Its switches are kept by the browser, so they act without the server."""
    settings = studio.settings
    own_element(
        "settings",
        elem_id="settings",
        outputs=_shown(settings.outputs, settings.models.parent),
        catalogue=settings.models.name,
        needs_key=settings.api_key != "",
    )


def _shown(path: Path, base: Path) -> str:
    """A path as people beside the studio call it; readers from elsewhere learn nothing about the machine."""
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else path.name
