"""A page with one mask painter and the few routes it needs; `python -m tests.ui.painter_app FD` serves it.

It runs in a process of its own because Gradio leaves event loops and sockets open when a server ends.
"""

import hashlib
import io
import os
import socket
import sys
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from PIL import Image
from starlette.staticfiles import StaticFiles

import ui.components
from ui.components.painter import painter

ASSETS = Path(ui.components.__path__[0]).parent / "assets"


class PainterApp:
    """Keeps what the painter was given and what it handed over."""

    def __init__(self) -> None:
        self.inputs: dict[str, bytes] = {}
        self.images: dict[str, bytes] = {}
        self.seen: list[Any] = []
        self.changes = 0
        self.chosen = 0
        self.to_set: Any = None

    def add_input(self, content: bytes) -> dict[str, Any]:
        """Store a picture as the studio does; raises OSError if it is none."""
        width, height = Image.open(io.BytesIO(content)).size
        name = hashlib.sha256(content).hexdigest()
        self.inputs[name] = content
        return {"id": name, "width": width, "height": height}

    def app(self) -> FastAPI:
        app = FastAPI()
        self._studio_routes(app)
        self._test_routes(app)
        app.mount("/studio-assets", StaticFiles(directory=ASSETS))
        styles = sorted(ASSETS.glob("*.css"))
        return gr.mount_gradio_app(app, self._page(), path="/", css_paths=styles, footer_links=[])

    def _studio_routes(self, app: FastAPI) -> None:
        @app.post("/api/inputs", response_model=None)
        def upload(image: UploadFile) -> Response:
            try:
                return JSONResponse(self.add_input(image.file.read()))
            except OSError:
                return JSONResponse({"error": "image: not a readable PNG, JPEG or WEBP picture"}, 400)

        @app.post("/api/inputs/from-image", response_model=None)
        def from_image(body: dict[str, str]) -> Response:
            if body["image_id"] not in self.images:
                return JSONResponse({"error": f"There is no picture {body['image_id']}."}, 404)
            return JSONResponse(self.add_input(self.images[body["image_id"]]))

        @app.get("/api/inputs/{name}")
        def stored(name: str) -> Response:
            return Response(self.inputs[name]) if name in self.inputs else Response("", 404)

    def _test_routes(self, app: FastAPI) -> None:
        @app.put("/test/images/{name}")
        async def add_image(name: str, request: Request) -> None:
            self.images[name] = await request.body()

        @app.put("/test/inputs")
        async def add_input(request: Request) -> dict[str, Any]:
            return self.add_input(await request.body())

        @app.put("/test/to-set")
        async def to_set(request: Request) -> None:
            self.to_set = await request.json()

        @app.get("/test/state")
        def state() -> dict[str, Any]:
            last = self.seen[-1] if self.seen else None
            counts = {"changes": self.changes, "chosen": self.chosen, "inputs": len(self.inputs)}
            return {"uses": len(self.seen), "last": last, **counts}

    def _page(self) -> gr.Blocks:
        def use(value: Any) -> int:
            self.seen.append(value)
            return len(self.seen)

        def changed(value: Any) -> None:
            self.changes += 1

        def choose() -> None:
            self.chosen += 1

        with gr.Blocks() as page:
            here = painter(elem_id="painter")
            with gr.Row():
                button = gr.Button("Use", elem_id="use")
                setter = gr.Button("Set", elem_id="set")
            prompt = gr.Textbox(label="Prompt", elem_id="prompt")
            count = gr.Number(label="Used", elem_id="count")
            button.click(use, here, count, show_progress="hidden")
            prompt.submit(use, here, count, show_progress="hidden")
            setter.click(lambda: self.to_set, None, here, show_progress="hidden")
            here.change(changed, here, None, show_progress="hidden")
            here.choose(choose, None, None, show_progress="hidden")
        return page


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        config = uvicorn.Config(PainterApp().app(), log_level="critical", timeout_graceful_shutdown=2)
        uvicorn.Server(config).run(sockets=[listener])
