"""What the command line and the environment ask of the stub."""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

_LONG_NAMES = {
    "-l": "--listen-ip",
    "-m": "--model",
    "-v": "--verbose",
    "-s": "--seed",
    "-W": "--width",
    "-H": "--height",
    "-t": "--threads",
    "-p": "--prompt",
    "-n": "--negative-prompt",
    "-b": "--batch-count",
}
_NEGATIVE_NUMBER = re.compile(r"-[\d.]+")


def _flags(argv: Sequence[str]) -> dict[str, str | None]:
    """Every flag by its long name with its value; None for a bare switch."""
    flags: dict[str, str | None] = {}
    waiting = list(reversed(argv))
    while waiting:
        word = waiting.pop()
        if not word.startswith("-"):
            continue
        name, equals, value = word.partition("=")
        name = _LONG_NAMES.get(name, name)
        if equals:
            flags[name] = value
        elif waiting and (not waiting[-1].startswith("-") or _NEGATIVE_NUMBER.fullmatch(waiting[-1])):
            flags[name] = waiting.pop()
        else:
            flags[name] = None
    return flags


class Config:
    """sd-server's settings that the stub obeys, and the stub's own. Times are seconds, sizes pixels.

    `width` and `height` are 0 where the command line gives none; `forced_size` is "WxH" or "".
    """

    def __init__(self, argv: Sequence[str], environ: Mapping[str, str]) -> None:
        flags = _flags(argv)

        def given(name: str, default: str) -> str:
            return flags.get(name) or default

        def own(name: str, default: str) -> str:
            value = flags.get("--stub-" + name)
            return (
                value if value is not None else environ.get("STUB_" + name.upper().replace("-", "_"), default)
            )

        self.ip = given("--listen-ip", "127.0.0.1")
        self.port = int(given("--listen-port", "1234"))
        self.page = given("--serve-html-path", "")
        self.model_path = given("--model", given("--diffusion-model", "stub.safetensors"))
        self.steps = int(float(given("--steps", "20")))
        self.cfg_scale = float(given("--cfg-scale", "7.0"))
        self.width = int(given("--width", "0"))
        self.height = int(given("--height", "0"))
        self.seed = int(given("--seed", "42"))
        self.latency = float(own("latency-ms", "0")) / 1000
        self.load = float(own("load-ms", "0")) / 1000
        self.noise_bits = max(0, min(4, int(own("noise-bits", "3"))))
        self.forced_size = own("size", "")
        self.log_path = own("log", "")
        self.fail_load = own("fail-load", "0") == "1"
        self.model_name = PurePath(self.model_path).name
        self.model_stem = self.model_name.rsplit(".", 1)[0]
