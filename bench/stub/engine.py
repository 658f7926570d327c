"""The work itself: takes its time, prints its lines, gives its pictures."""

import os
import signal
import threading
import time

from stub.config import Config
from stub.console import Console, progress_bar, step_speed
from stub.journal import Journal, Record
from stub.pictures import PictureBook
from stub.request import ImageRequest
from stub.words import SAMPLER_TITLES, SAMPLERS

_SOURCE = "stable-diffusion.cpp"


def _sleep_until(moment: float) -> None:
    wait = moment - time.monotonic()
    if wait > 0:
        time.sleep(wait)


class LoadFailed(Exception):
    """The model was asked to be unloadable."""


class Engine:
    """One model, and one lock that lets one piece of work in at a time, as in the real server."""

    def __init__(self, config: Config, console: Console, journal: Journal, pictures: PictureBook) -> None:
        self.config = config
        self.console = console
        self.journal = journal
        self._pictures = pictures
        self._lock = threading.Lock()

    def load(self) -> None:
        """Take the loading time, with its progress bars. Errors: LoadFailed."""
        config, console = self.config, self.console
        console.info(_SOURCE, 212, f"loading model from '{config.model_path}'")
        console.info(_SOURCE, 305, "Version: SD 1.x ")
        begin, bars = time.monotonic(), 10
        for bar in range(1, bars + 1):
            _sleep_until(begin + config.load * bar / bars)
            if config.load:
                console.write(progress_bar(bar, bars, f"{1000 / config.load:.2f}MB/s"))
        console.info("model.cpp", 993, f"loading tensors completed, taking {time.monotonic() - begin:.2f}s")
        if config.fail_load:
            console.write("[ERROR] main.cpp:87   - new_sd_ctx_t failed\n", error=True)
            raise LoadFailed
        self._pictures.prepare(512, 512)

    def generate(self, request: ImageRequest, record: Record) -> list[bytes]:
        """The request's pictures as PNG; none if it was asked to fail. Adds its times to `record`."""
        latency = request.latency
        record["lat_ms"] = latency * 1000
        with self._lock:
            begin = record["t_start"] = time.monotonic()
            self.journal.write("start", rid=record["rid"], id=record["id"], t=begin)
            if request.directive.get("die") == "1":
                self._die(latency / 2, record)
            self._sample(request, begin, latency)
            self._decode(request, begin)
            record["t_engine"] = time.monotonic()
        if request.directive.get("fail") == "1":
            return []
        seeds = range(request.seed, request.seed + request.count)
        return [
            self._pictures.png(request.width, request.height, seed, request.parameters(seed))
            for seed in seeds
        ]

    def _sample(self, request: ImageRequest, begin: float, latency: float) -> None:
        info = self.console.info
        info(_SOURCE, 3367, f"generate_image {request.width}x{request.height}")
        info(_SOURCE, 2814, f"sampling using {SAMPLER_TITLES[SAMPLERS.index(request.sampler)]} method")
        info(_SOURCE, 3168, "get_learned_condition completed, taking 0.00s")
        end = begin
        for index in range(request.count):
            seed = request.seed + index
            info(_SOURCE, 3401, f"generating image: {index + 1}/{request.count} - seed {seed}")
            start, end, last = end, end + latency, end
            for step in range(1, request.steps + 1):
                _sleep_until(start + latency * step / request.steps)
                now = time.monotonic()
                self.console.write(progress_bar(step, request.steps, step_speed(max(now - last, 1e-6))))
                last = now
            info(_SOURCE, 3432, f"sampling completed, taking {time.monotonic() - start:.2f}s")
        taken = time.monotonic() - begin
        info(_SOURCE, 3450, f"generating {request.count} latent images completed, taking {taken:.2f}s")

    def _decode(self, request: ImageRequest, begin: float) -> None:
        info = self.console.info
        info(_SOURCE, 3192, f"decoding {request.count} latents")
        for index in range(request.count):
            info(_SOURCE, 3208, f"latent {index + 1} decoded, taking 0.00s")
        info(_SOURCE, 3212, "decode_first_stage completed, taking 0.00s")
        info(_SOURCE, 3591, f"generate_image completed in {time.monotonic() - begin:.2f}s")

    def _die(self, after: float, record: Record) -> None:
        time.sleep(after)
        self.console.write(
            "terminate called after throwing an instance of 'std::runtime_error'\n", error=True
        )
        self.journal.write("die", rid=record["rid"])
        os.kill(os.getpid(), signal.SIGKILL)
