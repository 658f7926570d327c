"""The reading order: a module imports only what stands before it, and third-party words stay where they live.

A folder is one place in its parent's order and has an order of its own. Whoever adds a module gives it a
place here; the message says which places are free for it.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

# Each folder's modules and folders, in the order in which they are read.
READING_ORDER: Mapping[str, str] = {
    "studio": """
        errors clock caller sight cache logs meter extras params recipe partial_params labels axes
        made_with job events addresses webhook settings wildcards wording engine_options effect source model
        plain_yaml catalog newcomers safetensors gguf weights loras upscalers demands recipes thrift
        scheduling engine offers recipe_text a1111_text png_text pictures metadata reading masks framing
        staging results
        rows schema migrations database soundness ownership opening reader writer tally keys delivery_table
        job_table store carrier deliveries
        batches claims filters records memory_levels queue_order entry totals library presets upscaling
        key_ring keys_command files webhook_root transfer additions huggingface download fetcher
        download_ledger downloads fit
        orphans gallery holdings intake inputs archive
        demo sdserver
        preparation admission estimates witness darkroom enlarger run endings saver ladder residency
        worker condition
        model_states queue_control replays submission sheet sheet_files shelf grids
        upscale_control service assembly models_command webhooks_command api
    """,
    "studio/demo": "tensor_file layout examples expand training",
    "studio/demo/training": """
        devices schedule optimiser noise layers text_encoder transformer autoencoder
        colours canvas shapes arrangements scene constructions landscapes scenes pictures
        captions tokeniser make_vocabulary vocabulary latents checkpoint
        train_autoencoder train_transformer train pack
        server contact_sheet recognition checks verify compare_engine
    """,
    "studio/sdserver": """
        log_tail process ports pid_file exits progress tracker upscale_tracker monitor pulse guard
        features client payload server cancelling task trial backoff command flags launch upscale
        install_progress install_run install_tools install_place install_archive install_download
        install_source install_build install
        engine
    """,
    "studio/api": """
        errors access proxies permissions metrics guard limits base64_pictures dependencies bodies job_bodies
        forms submission recipe_view download_views model_views views picture_files library_views waiting
        outcome happenings hub events sockets health probes downloads models
        features queue queue_control webhooks batch grid_views grids generations replays images library inputs
        presets generate upscaling
        openai a1111 agents app
    """,
    "studio/api/a1111": """
        errors callers names lora_tags bodies refusals control overrides translation info making
        running upscaling extras settings_routes lists app
    """,
    "studio/api/agents": "bodies views previews sources calls making looking tools server app",
    "studio/api/openai": "errors names bodies encoding views answers models images app",
    "studio/migrations": """
        0001_initial 0002_library 0003_presets 0004_queue_order 0005_references 0006_batches 0007_keys
        0008_fair_share 0009_webhooks 0010_memory_levels 0011_owned_pictures 0012_made_with
        0014_picture_counts
    """,
}

# Where a word may be imported: a folder (with a slash at its end) or a file.
HOMES: Mapping[str, tuple[str, ...]] = {
    "gradio": ("ui/", "app.py"),
    "gradio_client": ("ui/blocks.py",),
    **dict.fromkeys(
        ("peewee", "playhouse", "apsw"),
        (
            "studio/schema.py", "studio/database.py", "studio/soundness.py", "studio/ownership.py",
            "studio/migrations/",
            "studio/reader.py", "studio/writer.py", "studio/tally.py", "studio/delivery_table.py",
            "studio/deliveries.py",
            "studio/job_table.py", "studio/store.py", "studio/claims.py", "studio/records.py",
            "studio/queue_order.py", "studio/batches.py",
            "studio/filters.py", "studio/memory_levels.py", "studio/library.py", "studio/totals.py",
            "studio/holdings.py", "studio/presets.py",
            "studio/assembly.py", "studio/condition.py", "studio/keys.py", "studio/opening.py",
        ),
    ),
    # The page's door hangs Gradio and its files into the application.
    **dict.fromkeys(
        ("fastapi", "starlette"),
        (
            "studio/api/", "app.py", "ui/asset_files.py", "ui/delivery.py", "ui/mount.py", "ui/head.py",
            "ui/late.py",
        ),
    ),
    "prometheus_client": ("studio/meter.py", "studio/api/metrics.py"),
    **dict.fromkeys(("mcp", "mcp_types"), ("studio/api/agents/",)),
    "uvicorn": ("app.py", "studio/api/proxies.py"),
    "httpx": (
        "studio/sdserver/", "studio/addresses.py", "studio/webhook.py", "studio/carrier.py",
        "studio/transfer.py",
        "studio/huggingface.py",
    ),
    "huggingface_hub": ("studio/huggingface.py",),
    # The training programs start engines to check their work, and shuffle by a seed, to be repeatable.
    "subprocess": ("studio/sdserver/", "studio/demo/training/"),
    "time": ("studio/clock.py",),
    "random": ("studio/assembly.py", "studio/demo/training/"),
    "secrets": ("studio/assembly.py",),
    "uuid": ("studio/store.py", "studio/delivery_table.py", "studio/gallery.py", "studio/files.py"),
    "uuid_utils": ("studio/store.py",),
}  # fmt: skip

# Words that a file needs though they live elsewhere, each with the reason.
GUESTS: Mapping[tuple[str, str], str] = {
    ("studio/sdserver/launch.py", "secrets"): "the engine shows a nonce by which we know it as ours",
}

# Files and functions ("path" or "path::name") over the limits, each with the reason.
LONG: Mapping[str, str] = {
    "studio/assembly.py::open_studio": "straight wiring: one line a part, read once from top to bottom",
    "studio/service.py::__init__": "straight wiring as well: what a Studio is made of",
}


def _sources(*folders: str) -> list[Path]:
    """Every Python file of these folders or files, relative to the checkout."""
    found = [path for folder in folders for path in [ROOT / folder, *(ROOT / folder).rglob("*.py")]]
    return sorted(path.relative_to(ROOT) for path in found if path.suffix == ".py" and path.is_file())


def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def _imported(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything a file imports; of a `from` import, its parts as well."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = path.parts[:-1][: len(path.parts) - node.level]
                base = ".".join((*package, *filter(None, [node.module])))
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield node.lineno, whole if _file_of(whole) else base


def _file_of(dotted: str) -> Path | None:
    """The file of a module of the studio, or None if it is no module of ours."""
    place = Path(*dotted.split("."))
    for candidate in (place.with_suffix(".py"), place / "__init__.py"):
        if dotted.split(".")[0] == "studio" and (ROOT / candidate).is_file():
            return candidate
    return None


def _is_package(path: Path) -> bool:
    """Whether this is a folder's own file, which stands for the folder and may import what it offers."""
    return path.name == "__init__.py"


def _place(folder: str, path: Path) -> int | None:
    """Where in a folder's order the file, or the folder it lies in, stands."""
    name = path.relative_to(folder).parts[0].removesuffix(".py")
    order = READING_ORDER.get(folder, "").split()
    return order.index(name) if name in order else None


def _common_folder(one: Path, other: Path) -> str:
    folders = [parent for parent in one.parents if parent in other.parents]
    return folders[0].as_posix()


def _complaints_about_order(path: Path) -> Iterator[str]:
    for line, dotted in _imported(path):
        target = _file_of(dotted)
        if target is None or target == path or _is_package(target):
            continue
        folder = _common_folder(path, target)
        here, there = _place(folder, path), _place(folder, target)
        if here is None or there is None:
            continue
        if there >= here:
            yield f"{path}:{line} imports {dotted}, which stands after it in the order of {folder}/"


def test_every_module_has_a_place_in_the_reading_order() -> None:
    complaints = []
    for path in _sources("studio"):
        folder = path.parent.as_posix()
        if not _is_package(path) and _place(folder, path) is None:
            needs = {dotted for _, dotted in _imported(path) if _file_of(dotted)}
            complaints.append(f"{path} has no place in the order of {folder}/; it imports {sorted(needs)}")
    for folder, order in READING_ORDER.items():
        names = order.split()
        assert len(names) == len(set(names)), f"{folder}/ names a module twice"
        for name in names:
            if not ((ROOT / folder / f"{name}.py").is_file() or (ROOT / folder / name).is_dir()):
                complaints.append(f"{folder}/{name} is in the reading order and nowhere else")
    assert not complaints, "\n".join(complaints)


def test_a_module_imports_only_what_stands_before_it() -> None:
    complaints = [complaint for path in _sources("studio") for complaint in _complaints_about_order(path)]

    assert not complaints, "\n".join(complaints)


def test_the_core_never_imports_a_face() -> None:
    complaints = [
        f"{path}:{line} imports {dotted}"
        for path in _sources("studio")
        for line, dotted in _imported(path)
        if dotted.split(".")[0] in ("ui", "app", "tests", "bench")
    ]

    assert not complaints, "\n".join(complaints)


def _is_home(path: Path, homes: tuple[str, ...]) -> bool:
    name = path.as_posix()
    return any(name.startswith(home) if home.endswith("/") else name == home for home in homes)


@pytest.mark.parametrize("word", HOMES)
def test_a_third_party_word_stays_at_home(word: str) -> None:
    complaints = [
        f"{path}:{line} imports {dotted}; {word} lives in {', '.join(HOMES[word])}"
        for path in _sources("studio", "ui", "app.py")
        for line, dotted in _imported(path)
        if dotted.split(".")[0] == word
        and not _is_home(path, HOMES[word])
        and (path.as_posix(), word) not in GUESTS
    ]

    assert not complaints, "\n".join(complaints)


def test_every_guest_still_needs_its_word() -> None:
    for name, word in GUESTS:
        words = {dotted.split(".")[0] for _, dotted in _imported(Path(name))}
        assert word in words, f"{name} no longer imports {word}: take it from GUESTS"


def test_only_the_clock_asks_for_the_time() -> None:
    complaints = [
        f"{path}:{node.lineno} calls {ast.unparse(node.func)}; ask a Clock"
        for path in _sources("studio", "ui", "app.py")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func).endswith(
            ("datetime.now", "datetime.utcnow", "date.today", "datetime.today")
        )
    ]

    assert not complaints, "\n".join(complaints)


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """(name, lines) of every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def test_files_and_functions_stay_short() -> None:
    complaints = []
    for path in _sources("studio", "ui", "app.py", "bench"):
        lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE_LINES and path.as_posix() not in LONG:
            complaints.append(f"{path} has {lines} lines, the limit is {MAX_FILE_LINES}")
        for name, length in _functions(_tree(path)):
            if length > MAX_FUNCTION_LINES and f"{path.as_posix()}::{name}" not in LONG:
                complaints.append(f"{path}::{name} has {length} lines, the limit is {MAX_FUNCTION_LINES}")

    assert not complaints, "\n".join(complaints)


def test_every_exception_names_something_that_is_there() -> None:
    for entry in LONG:
        name, _, function = entry.partition("::")
        path = Path(PurePosixPath(name))
        assert (ROOT / path).is_file(), f"{name} is gone: take it from LONG"
        if function:
            assert function in dict(_functions(_tree(path))), f"{entry} is gone: take it from LONG"
