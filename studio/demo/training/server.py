"""A private sd-server with the demonstration model, for measuring; the studio drives its own otherwise."""

import base64
import io
import json
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from PIL import Image

from studio.clock import SystemClock

FLAGS = {"diffusion_model": "--diffusion-model", "llm": "--llm", "tae": "--tae"}
START_SECONDS, REQUEST_SECONDS, STOP_SECONDS = 60, 120, 10


@dataclass(frozen=True)
class Settings:
    """How pictures are asked for: `size` in pixels, sampling `steps`, guidance `cfg`."""

    size: int = 128
    steps: int = 8
    cfg: float = 2.0


@dataclass(frozen=True)
class Painting:
    """A picture, its PNG bytes as the engine sent them, and the seconds it took."""

    image: Image.Image
    png: bytes
    seconds: float


class Server:
    """Runs while the `with` block does."""

    def __init__(
        self, binary: Path, files: Mapping[str, Path], log: Path, settings: Settings, threads: int
    ) -> None:
        self.settings = settings
        self.ready_seconds = 0.0
        self._clock = SystemClock()
        self._log = log
        self._port = _free_port()
        listen = ["--listen-ip", "127.0.0.1", "--listen-port", str(self._port)]
        models = [part for key, file in files.items() for part in (FLAGS[key], str(file))]
        self._command = [str(binary), *listen, *models, "-t", str(threads)]

    def __enter__(self) -> "Server":
        start = self._clock.monotonic()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._wait_until_ready(start + START_SECONDS)
        except BaseException:
            self._stop()
            raise
        self.ready_seconds = self._clock.monotonic() - start
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def paint(self, prompt: str, seed: int, size: int | None = None) -> Painting:
        """A picture from words."""
        return self._post("txt2img", prompt, seed, size or self.settings.size, {})

    def repaint(
        self, prompt: str, seed: int, source: Image.Image, strength: float, mask: Image.Image | None = None
    ) -> Painting:
        """A picture from words and a picture; with a mask only where that is white."""
        extra: dict[str, Any] = {"init_images": [_encoded(source)], "denoising_strength": strength}
        if mask is not None:
            extra["mask"] = _encoded(mask)
        return self._post("img2img", prompt, seed, self.settings.size, extra)

    def _post(self, path: str, prompt: str, seed: int, size: int, extra: dict[str, Any]) -> Painting:
        body = {"prompt": prompt, "seed": seed, "width": size, "height": size, **extra}
        body |= {"steps": self.settings.steps, "cfg_scale": self.settings.cfg}
        request = urllib.request.Request(
            self._url(path), json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        start = self._clock.monotonic()
        with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as response:
            answer = json.load(response)
        seconds = self._clock.monotonic() - start
        png = base64.b64decode(answer["images"][0])
        return Painting(Image.open(io.BytesIO(png)).convert("RGB"), png, seconds)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}/sdapi/v1/{path}"

    def _wait_until_ready(self, deadline: float) -> None:
        while self._clock.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self._url("options"), timeout=2):
                    return
            except urllib.error.HTTPError:
                return  # it answers, if only with a refusal
            except OSError:
                self._clock.wait(threading.Event(), 0.1)
        raise SystemExit(f"sd-server did not get ready within {START_SECONDS} s; see {self._log}")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
