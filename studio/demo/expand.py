"""The demonstration model's packed weights, expanded once into the files the engine loads.

python -m studio.demo.expand FOLDER
"""

import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from filelock import FileLock

from studio.demo.layout import autoencoder_tensors, diffusion_tensors, text_encoder_tensors
from studio.demo.tensor_file import Tensor, write_tensors
from studio.errors import EngineUnavailable, StorageFull

PACKED = Path(__file__).with_name("model.npz")
FILES = {
    "diffusion_model": "diffusion.safetensors",
    "llm": "llm.safetensors",
    "tae": "tae.safetensors",
}
"""What models.yml calls a file -> its name in the folder."""
MANIFEST = "manifest.json"
PARTIAL = ".partial-"


def demo_files(cache: Path) -> dict[str, Path]:
    """The model's files by the names models.yml gives them: diffusion_model, llm and tae.

    They lie in `cache`/demo-model/<version>, 82 MB in all. The first call writes them, which takes about a
    second; later calls compare them with their recorded digests (0.1 s) and write them anew if one was
    damaged. Any number of processes may call at once. Folders of other versions are removed.

    Errors: StorageFull; EngineUnavailable if the folder can't be used or the packed weights can't be read.
    """
    family = cache / "demo-model"
    try:
        folder = family / _digest(PACKED)[:16]
        if not _is_whole(folder):
            family.mkdir(parents=True, exist_ok=True)
            with FileLock(family / "expand.lock"):
                if not _is_whole(folder):  # another process may have been faster
                    _replace(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"no room for the demonstration model in {family}: 90 MB are needed") from error
        raise EngineUnavailable(
            f"the demonstration model can't be expanded into {family}: {error}; make that folder writable"
        ) from error
    except (ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise EngineUnavailable(f"{PACKED.name} is damaged ({error}); install the studio again") from error
    return {key: folder / name for key, name in FILES.items()}


def read_packed(path: Path) -> tuple[dict[str, Tensor], list[int], int, int]:
    """Weights by name (float32), the engine's token of each row of `te.emb`, hidden channels and depth.

    `path` holds large matrices as `q:<name>` (int8) with one `s:<name>` (float16) per row and the rest as
    `h:<name>` (float16); `ids` are the trained tokens, `var` pairs of a spelling variant and the token whose
    row it shares, `cfg` hidden channels and depth.
    """
    weights: dict[str, Tensor] = {}
    with np.load(path) as packed:
        for key in packed.files:
            name = key[2:]
            if key.startswith("h:"):
                weights[name] = packed[key].astype(np.float32)
            elif key.startswith("q:"):
                weights[name] = packed[key].astype(np.float32) * packed["s:" + name].astype(np.float32)
        tokens = [int(token) for token in packed["ids"]]
        variants = packed["var"].tolist()
        hidden, depth = (int(number) for number in packed["cfg"])
    row = {token: index for index, token in enumerate(tokens)}
    embedding = weights["te.emb"]
    shared = embedding[[row[token] for _, token in variants]]
    weights["te.emb"] = np.concatenate((embedding, shared))
    return weights, tokens + [variant for variant, _ in variants], hidden, depth


def write_files(packed: Path, folder: Path) -> None:
    """Expand `packed` into the three files of an existing `folder`; each is on the disk on return."""
    weights, tokens, hidden, depth = read_packed(packed)
    write_tensors(folder / FILES["diffusion_model"], diffusion_tensors(weights, hidden, depth))
    write_tensors(folder / FILES["llm"], text_encoder_tensors(weights, tokens))
    write_tensors(folder / FILES["tae"], autoencoder_tensors(weights))


def _is_whole(folder: Path) -> bool:
    """Whether `folder` holds the files its manifest describes, byte for byte."""
    try:
        recorded = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for name in FILES.values():
            size, digest = recorded[name]["bytes"], recorded[name]["sha256"]
            if (folder / name).stat().st_size != size or _digest(folder / name) != digest:
                return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _replace(folder: Path) -> None:
    """Put a freshly expanded `folder` in place and remove everything else beside it. The lock is held."""
    family = folder.parent
    partial = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=family))
    write_files(PACKED, partial)
    contents = {
        name: {"bytes": (partial / name).stat().st_size, "sha256": _digest(partial / name)}
        for name in FILES.values()
    }
    with (partial / MANIFEST).open("w", encoding="utf-8") as manifest:
        json.dump(contents, manifest, indent=1)
        manifest.flush()
        os.fsync(manifest.fileno())
    partial.chmod(0o755)  # mkdtemp shuts everyone else out
    _sync_folder(partial)
    if folder.exists():
        folder.rename(Path(tempfile.mkdtemp(prefix=PARTIAL, dir=family)) / "damaged")
    partial.rename(folder)
    _sync_folder(family)
    for other in family.iterdir():  # other versions, damaged files, what a killed process left behind
        if other.is_dir() and other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; Windows has no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m studio.demo.expand FOLDER")
    for key, file in demo_files(Path(sys.argv[1])).items():
        print(f"{key}: {file}")
