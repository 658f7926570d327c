"""The mask painter in a real browser, as a person uses it."""

import base64
import io
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    # Nothing but this machine can be reached, so nothing can be fetched from elsewhere.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]
Box = tuple[int, int, int, int]
Mask = npt.NDArray[np.uint8]


def picture_bytes(width: int, height: int) -> bytes:
    """A colourful PNG of that size."""
    ramp = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", (ramp, ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM), ramp.rotate(180)))
    output = io.BytesIO()
    picture.save(output, "PNG")
    return output.getvalue()


def decoded(address: str) -> Mask:
    """The pixels of a mask's data address."""
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def box_of(mask: Mask) -> Box | None:
    """(left, top, right, bottom) of what is painted, right and bottom excluded."""
    return Image.fromarray(mask).getbbox()


class PainterServer:
    """The page of tests/ui/painter_app.py, and what it has seen."""

    def __init__(self, base: str, http: httpx.Client) -> None:
        self.base = base
        self._http = http

    def state(self) -> dict[str, Any]:
        """uses, last (the value Python got last), changes, chosen, inputs."""
        state: dict[str, Any] = self._http.get("/test/state").raise_for_status().json()
        return state

    def add_image(self, name: str, content: bytes) -> None:
        self._http.put(f"/test/images/{name}", content=content).raise_for_status()

    def add_input(self, content: bytes) -> dict[str, Any]:
        added: dict[str, Any] = self._http.put("/test/inputs", content=content).raise_for_status().json()
        return added

    def set_next(self, value: object) -> None:
        """What Python gives the painter when the page's Set button is pressed."""
        self._http.put("/test/to-set", content=json.dumps(value)).raise_for_status()


@contextmanager
def serve_painter() -> Iterator[PainterServer]:
    """The page, served by a process of its own on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        handle = listener.fileno()
        command = [sys.executable, "-m", "tests.ui.painter_app", str(handle)]
        process = subprocess.Popen(command, pass_fds=[handle])
    try:
        with httpx.Client(base_url=base, timeout=60, trust_env=False) as http:
            yield PainterServer(base, http)
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium where there is one, else the one Playwright installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


class PainterPage:
    """One tab with the painter. Points are picture pixels unless said otherwise."""

    def __init__(self, server: PainterServer, context: BrowserContext) -> None:
        self.server = server
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda line: self.faults.append(line.text) if line.type == "error" else None)
        self.page.goto(server.base)
        self.page.wait_for_selector(".st-painter")

    def upload(self, content: bytes, name: str = "picture.png") -> None:
        self._choose("Picture file", content, name)

    def load_mask(self, content: bytes) -> None:
        self._choose("Mask file", content, "mask.png")

    def _choose(self, label: str, content: bytes, name: str) -> None:
        self.page.set_input_files(
            f'input[aria-label="{label}"]', files={"name": name, "mimeType": "image/png", "buffer": content}
        )

    def open(self, width: int, height: int) -> None:
        """Upload a picture of that size and wait until it can be painted on."""
        self.upload(picture_bytes(width, height))
        self.wait_for_picture(width, height)

    def wait_for_picture(self, width: int, height: int) -> None:
        self.page.wait_for_function(
            "([w, h]) => { const c = document.querySelector('.st-painter-open canvas');"
            " return c && c.width === w && c.height === h; }",
            arg=[width, height],
        )

    def action(self, name: str) -> None:
        self.page.click(f'[data-action="{name}"]')

    def pressed(self, name: str) -> bool:
        return self.page.get_attribute(f'[data-action="{name}"]', "aria-pressed") == "true"

    def focus_prompt(self) -> None:
        self.page.focus("#prompt textarea, #prompt input")

    def set_number(self, label: str, value: int) -> None:
        self.page.fill(f'input[type=number][aria-label="{label}"]', str(value))
        self.page.keyboard.press("Tab")

    def brush(self, size: int) -> None:
        self.set_number("Size in pixels", size)

    def wait_for_zoom_over(self, percent: int) -> None:
        self.page.wait_for_function(
            "least => parseFloat(document.querySelector('.st-painter-percent').textContent) > least",
            arg=percent,
        )

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a picture point is on the screen, in CSS pixels."""
        left, top, across, down = self.page.evaluate(
            "() => { const c = document.querySelector('.st-painter canvas'), r = c.getBoundingClientRect();"
            " return [r.left, r.top, r.width / c.width, r.height / c.height]; }"
        )
        return left + x * across, top + y * down

    def stroke(self, *points: tuple[float, float], steps: int = 6) -> None:
        """Drag the mouse along the points, with the left button down."""
        mouse = self.page.mouse
        mouse.move(*self.on_screen(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.on_screen(*point), steps=steps)
        mouse.up()

    def submitted(self) -> Any:
        """The value that Python gets when the page's Use button is pressed now."""
        with self.one_use():
            self.page.click("#use")
        return self.server.state()["last"]

    @contextmanager
    def one_use(self) -> Iterator[None]:
        """Wait at the end until Python has got one more value."""
        expected = self.server.state()["uses"] + 1
        yield
        self.page.wait_for_function(
            "uses => Number(document.querySelector('#count input').value) === uses", arg=expected
        )

    def mask(self) -> Mask:
        """The mask Python gets now: height x width, black if none is sent."""
        value = self.submitted()
        if value["mask"] is None:
            return np.zeros((value["image"]["height"], value["image"]["width"]), np.uint8)
        return decoded(value["mask"])

    def fault_shown(self) -> str:
        """The sentence about what went wrong, as soon as there is one."""
        self.page.wait_for_function("() => document.querySelector('.st-painter-error').textContent !== ''")
        return self.page.inner_text(".st-painter-error")
