"""The page on the studio's application: our files under /studio-assets, Gradio at /, its doors shut."""

import os

# Read by Gradio when it is imported: nothing is sent anywhere, and nothing goes to the system's temp folder.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from fastapi import FastAPI

from studio.service import Studio
from ui.asset_files import ASSETS, PREFIX, AssetFiles
from ui.build import build_page
from ui.delivery import Delivery
from ui.head import EarlyHead, head_of_page
from ui.theme import studio_theme


def mount_page(app: FastAPI, studio: Studio) -> None:
    """Serve the page at / of `app`, whose other routes must be there already.

    Gradio's own uploads are not used by the page; the limit keeps strangers from filling the disk with them.
    """
    assets = AssetFiles()
    app.mount(f"/{PREFIX}", assets)
    app.add_middleware(EarlyHead, markup=assets.import_map + head_of_page())
    page = build_page(studio)
    page.queue(default_concurrency_limit=8, max_size=64, api_open=False)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=studio_theme(),
        css_paths=sorted(ASSETS.glob("*.css")),
        head=_head(),
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


def _head() -> str:
    """What Gradio adds to the page's head when it starts."""
    # By a statement, since the addresses of scripts are none of the import map's business.
    return (
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<script type="module">import "./{PREFIX}/js/page.js";</script>'
    )
