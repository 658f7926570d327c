"""The installation's secret, from which those that sign webhooks follow: one file, for the owner's eyes."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from studio.errors import ConfigurationError
from studio.files import sync_folder

FILE = "webhook.secret"
BYTES = 32
_HEX = re.compile(rf"[0-9a-f]{{{2 * BYTES}}}")


def read_root(outputs: Path) -> bytes | None:
    """The secret of these outputs, or None if none was drawn yet. Errors: ConfigurationError."""
    path = outputs / FILE
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"outputs: {path} can't be read: {error}"]) from None
    if _HEX.fullmatch(text) is None:
        raise ConfigurationError([f"outputs: {path} is damaged; remove it to have a new one drawn"])
    return bytes.fromhex(text)


def have_root(outputs: Path, draw: Callable[[int], bytes]) -> bytes:
    """The secret of these outputs, drawn now if there is none; `draw` gives so many random bytes.

    For whoever holds the lock of the outputs. Errors: ConfigurationError.
    """
    root = read_root(outputs)
    if root is not None:
        return root
    root, path = draw(BYTES), outputs / FILE
    temporary = path.with_name(f".{FILE}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(root.hex())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(outputs)
    except OSError as error:
        raise ConfigurationError([f"outputs: {path} can't be written: {error.strerror}"]) from None
    return root
