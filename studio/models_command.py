"""The command line's `models`: what there is, downloading, verifying, and adding entries."""

import argparse
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from studio import weights
from studio.additions import Additions, FileKey, NewModel
from studio.addresses import Addresses
from studio.assembly import open_fetcher
from studio.catalog import Catalog, load_catalog
from studio.clock import SystemClock
from studio.download import DownloadFile
from studio.errors import ConfigurationError, StudioError
from studio.fetcher import wanted
from studio.model import FOLDER_KEYS, Model
from studio.sdserver.install_progress import ConsoleProgress, InstallProgress
from studio.settings import Settings, gather
from studio.source import Source

_FAILED, _MISUSED, _STOPPED = 1, 2, 130


def models_command(argv: Sequence[str]) -> int:
    """`python app.py models list|download|verify|add`; the exit code: 0, 1 failed, 2 misused, 130 stopped.

    The variables that the studio itself knows count as well. Answers go to standard output,
    progress and faults to standard error. Main thread only.
    """
    try:
        asked = _arguments().parse_args(argv)
    except SystemExit as leaving:  # argparse has said why
        return leaving.code if isinstance(leaving.code, int) else _MISUSED
    try:
        given = {"models": asked.models, "download_hosts": asked.download_hosts}
        values = gather([]) | {name: value for name, value in given.items() if value is not None}
        # Whatever else the environment holds is none of this command's business.
        settings = Settings(**{name: values[name] for name in given if name in values})
        catalog = load_catalog(settings.models)
        addresses = Addresses(settings.download_hosts.split(","))
        if asked.action == "list":
            return _list(catalog)
        if asked.action == "download":
            return _download(catalog.model(asked.id), addresses)
        if asked.action == "verify":
            return _verify([catalog.model(asked.id)] if asked.id else list(catalog.models.values()))
        return _add(asked, settings, catalog, addresses)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return _MISUSED
    except StudioError as error:
        print(error, file=sys.stderr)
        return _FAILED
    except OSError as error:  # a disk that fails while a file is read
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("stopped; the same command goes on from there", file=sys.stderr)
        return _STOPPED


def _list(catalog: Catalog) -> int:
    width = max(map(len, catalog.models))
    for model in catalog.models.values():
        missing = len(model.missing())
        stand = "ready" if not missing else f"{missing} missing, {len(wanted(model))} to download"
        print(f"{model.id:{width}}  {stand:26}  {model.name}")
    return 0


def _download(model: Model, addresses: Addresses) -> int:
    missing = model.missing()
    if not missing:
        print(f"{model.id} is downloaded already")
        return 0
    if not wanted(model):
        print(f"no source is known for {', '.join(missing)}", file=sys.stderr)
        return _FAILED
    with ConsoleProgress() as show:

        def report(file: DownloadFile, checking: bool) -> None:
            step = f"{'Checking' if checking else 'Downloading'} {file.path}"
            show(InstallProgress(step, done=file.done, total=file.total or 0, in_bytes=True))

        open_fetcher(addresses, SystemClock()).fetch(model, report=report, stop=threading.Event())
    left = model.missing()
    if left:
        print(f"no source is known for {', '.join(left)}", file=sys.stderr)
        return _FAILED
    print(f"{model.id} is downloaded")
    return 0


def _verify(models: Sequence[Model]) -> int:
    """Look at every file; 1 if one is missing, damaged or another one than it was."""
    is_sound = True
    for model in models:
        for path, stand, is_right in _stands(model):
            is_sound = is_sound and is_right
            print(f"{model.id}: {path}: {stand}", flush=True)
        if model.builtin is not None:
            print(f"{model.id}: comes with the studio")
    return 0 if is_sound else _FAILED


def _stands(model: Model) -> Iterator[tuple[str, str, bool]]:
    """(path as models.yml spells it, how it stands, whether that is right) of each file."""
    source = model.source.files if model.source is not None else {}
    for key, path in model.paths().items():
        if key in FOLDER_KEYS:
            continue
        given = model.files.given[key]
        if not path.is_file():
            yield given, "missing", False
            continue
        wrong = weights.fault(path, path.suffix) if path.suffix != ".pth" else None
        expected = (source[key].sha256 if key in source else None) or weights.recorded(path)
        size = f"{path.stat().st_size} bytes"
        if wrong is not None:
            yield given, wrong, False
        elif expected is None:
            yield given, f"{size}, its header is sound; no SHA-256 is known", True
        else:
            found = weights.digest(path)
            is_same = found == expected
            yield given, f"{size}, {'sound' if is_same else f'SHA-256 is {found}, not {expected}'}", is_same


def _add(asked: argparse.Namespace, settings: Settings, catalog: Catalog, addresses: Addresses) -> int:
    file: Path | None = asked.file
    places = [file is not None, asked.url is not None, asked.repo is not None]
    half = (asked.url is not None and asked.sha256 is None) or (asked.repo is None) != (asked.path is None)
    if places.count(True) != 1 or half:
        print("models add: give --file, or --url with --sha256, or --repo with --path", file=sys.stderr)
        return _MISUSED
    try:
        new = NewModel(id=asked.id or _id_of(asked), name=asked.name, like=asked.like)
        source = None if file is not None else _source_of(asked)
    except ValidationError as error:
        for fault in error.errors():
            name = next((part for part in reversed(fault["loc"]) if isinstance(part, str)), "")
            print(f"models add: {name}: {fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        return _MISUSED
    additions = Additions(settings.models, catalog, addresses)
    if file is not None:
        model = additions.adopt(new, asked.key, file)
        print(f"{model.id} is added; a running studio knows it at once")
        return 0
    assert source is not None
    return _download(additions.from_source(new, source), addresses)


def _source_of(asked: argparse.Namespace) -> Source:
    """Errors: ValidationError."""
    given = {"path": asked.path, "url": asked.url, "sha256": asked.sha256}
    file = {name: value for name, value in given.items() if value is not None}
    more = {"repo": asked.repo, "revision": asked.revision}
    said = {name: value for name, value in more.items() if value is not None}
    return Source.model_validate({**said, "files": {asked.key: file}})


def _id_of(asked: argparse.Namespace) -> str:
    """An id from the file's name."""
    stem = Path(asked.file or asked.path or (asked.url or "").partition("?")[0]).stem
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem).strip("-")[
        :100
    ]


def _arguments() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--models", metavar="FILE", help="the catalogue (models.yml)")
    common.add_argument(
        "--download-hosts", metavar="HOSTS", help="hosts that need be neither public nor https, with commas"
    )
    parser = argparse.ArgumentParser(prog="app.py models", description="The models of this studio.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", parents=[common], help="every model and how it stands on this machine")
    download = actions.add_parser(
        "download", parents=[common], help="get the missing files of a model, or go on with that"
    )
    download.add_argument("id", metavar="ID", help="id or alias of the model")
    verify = actions.add_parser(
        "verify", parents=[common], help="check presence, size, header and SHA-256 of the files"
    )
    verify.add_argument("id", metavar="ID", nargs="?", help="of this model; left out: of all")
    add = actions.add_parser(
        "add", parents=[common], help="write an entry of its own for a model",
        description="Writes models.d/ID.yml beside models.yml; what the entry says can be changed there.",
    )  # fmt: skip
    add.add_argument("--repo", metavar="OWNER/NAME", help="a Hugging Face repository, with --path")
    add.add_argument("--path", metavar="PATH", help="a .safetensors or .gguf file in it")
    add.add_argument("--revision", metavar="REV", help="a branch, tag or commit of it (main)")
    add.add_argument("--url", metavar="U", help="https address of a .safetensors or .gguf file")
    add.add_argument("--sha256", metavar="HEX", help="of that file")
    add.add_argument("--file", metavar="PATH", type=Path, help="a file of this machine, linked or copied")
    add.add_argument("--id", metavar="ID", help="what requests will call it; left out: from the file's name")
    add.add_argument("--name", metavar="NAME", help="what people will call it; left out: the id")
    add.add_argument(
        "--like", metavar="ID",
        help="a model of the same kind: its defaults and engine options hold, its other files are used",
    )  # fmt: skip
    add.add_argument(
        "--key", choices=get_args(FileKey), default="model",
        help="what the file is (%(default)s: a complete checkpoint)",
    )  # fmt: skip
    return parser
