"""Where the studio keeps what it can make again: the engine, downloads, the expanded demonstration model."""

import os
from pathlib import Path

from platformdirs import user_cache_path

from studio.errors import ConfigurationError


def cache_dir() -> Path:
    """The cache folder, absolute; it may not exist yet.

    STUDIO_CACHE if that is set and not empty, else the platform's cache folder of this user.
    Errors: ConfigurationError if STUDIO_CACHE is not an absolute path: the studio and its children
    have different working folders, so a relative one would name several places.
    """
    chosen = os.environ.get("STUDIO_CACHE", "")
    if not chosen:
        return user_cache_path("sdcpp-studio", appauthor=False)
    folder = Path(chosen).expanduser()
    if not folder.is_absolute():
        raise ConfigurationError(
            [f"STUDIO_CACHE: {chosen!r} is not an absolute path, such as /var/cache/studio"]
        )
    return folder
