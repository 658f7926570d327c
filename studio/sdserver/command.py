"""A model of the catalogue as the command line of sd-server. Pure: it starts nothing and looks at no file."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from studio.engine_options import EngineOptions, flags_of
from studio.errors import EngineUnavailable
from studio.model import Model, ModelFiles

LOOPBACK = "127.0.0.1"

_HELP_LINE = re.compile(r"^ {1,8}(?:-\w, )?(--[a-z0-9][a-z0-9_-]*)\b", re.MULTILINE | re.IGNORECASE)


def parse_help(text: str) -> frozenset[str]:
    """The long flags that `sd-server --help` lists; one only mentioned in a description doesn't count."""
    return frozenset(_HELP_LINE.findall(text))


def default_threads(physical_cores: int) -> int:
    """Compute threads for a machine: one core stays free, or the engine's threads starve the studio."""
    return max(1, physical_cores - 1)


def to_argv(
    binary: Path,
    model: Model,
    paths: Mapping[str, Path],
    *,
    port: int,
    lora_dir: Path,
    nonce_page: Path,
    known_flags: frozenset[str],
    threads: int,
) -> list[str]:
    """The command that serves `model` on that port of this machine only.

    `paths` is {key of files: path}, for a builtin model those of the files it brought. `lora_dir` is used
    unless the model names its own: without one, the engine searches its working directory on every request.
    `nonce_page` is served at `/`, so that we know our own child. `threads` holds unless the model says.
    Errors: EngineUnavailable, naming the option, if this build of the engine doesn't have a flag.
    """
    flags = {
        "--listen-ip": LOOPBACK,
        "--listen-port": str(port),
        "--serve-html-path": str(nonce_page),
        # The other modes change the weights for good: one broken LoRA and every later picture is black.
        "--lora-apply-mode": "at_runtime",
        "--lora-model-dir": str(lora_dir),
        "--threads": str(threads),
    }
    for flag in flags:
        if flag not in known_flags:
            raise EngineUnavailable(
                f"{binary} has no {flag}, which the studio needs; "
                "`python app.py engine install` gets an engine that has it"
            )
    argv: dict[str, str | None] = dict(flags)
    for key, flag, value in _model_flags(model, paths):
        if flag not in known_flags:
            raise EngineUnavailable(
                f"models.{model.id}.{key} in models.yml needs {flag}, which {binary} doesn't have; "
                "remove the key, or let `python app.py engine install` get an engine that has it"
            )
        argv[flag] = value
    return [str(binary), *(word for pair in argv.items() for word in pair if word is not None)]


def _model_flags(model: Model, paths: Mapping[str, Path]) -> Iterator[tuple[str, str, str | None]]:
    """(key in models.yml, flag, value or None for a switch) of everything the model sets."""
    for key, flag in flags_of(ModelFiles).items():
        if key in paths:
            yield f"files.{key}", flag, str(paths[key])
    for key, flag in flags_of(EngineOptions).items():
        value = getattr(model.engine, key)
        if value is True:
            yield f"engine.{key}", flag, None
        elif value is not None and value is not False:
            yield f"engine.{key}", flag, str(value)
