"""The page on the studio's application: our files under /studio-assets, Gradio at /, its doors shut."""

import hashlib
import os
from pathlib import Path
from typing import Any

# Read by Gradio when it is imported: nothing is sent anywhere, and nothing goes to the system's temp folder.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from studio.service import Studio
from ui.build import build_page
from ui.delivery import Delivery
from ui.head import EarlyHead, head_of_page
from ui.theme import studio_theme

ASSETS = Path(__file__).parent / "assets"


def mount_page(app: FastAPI, studio: Studio) -> None:
    """Serve the page at / of `app`, whose other routes must be there already.

    Gradio's own uploads are not used by the page; the limit keeps strangers from filling the disk with them.
    """
    version = _version_of_assets()
    app.mount("/studio-assets", _Assets(directory=ASSETS))
    app.add_middleware(EarlyHead, markup=head_of_page())
    page = build_page(studio)
    page.queue(default_concurrency_limit=8, max_size=64, api_open=False)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=studio_theme(),
        css_paths=sorted(ASSETS.glob("*.css")),
        head=_head(version),
        favicon_path=str(ASSETS / "icon.svg"),
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size="1mb",
        allowed_paths=[],
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
    )
    app.add_middleware(Delivery)  # around the other one, which must see the page as text
    # Gradio lets a page that nobody "launched" open any file a request names; only launch() sets this.
    page.has_launched = True


class _Assets(StaticFiles):
    """Our own scripts and styles: asked again each time, answered 304 while nothing changed."""

    def file_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _version_of_assets() -> str:
    digest = hashlib.sha256()
    for path in sorted(ASSETS.rglob("*.*")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _head(version: str) -> str:
    """What Gradio adds to the page's head when it starts."""
    return (
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<script type="module" src="studio-assets/js/page.js?v={version}"></script>'
    )
