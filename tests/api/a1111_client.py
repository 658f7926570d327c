"""webuiapi, A1111's client from PyPI, on a studio of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import webuiapi
from PIL import Image

PROMPT = "a red circle on a blue background"


@contextmanager
def client(base: str, **more: Any) -> Iterator[webuiapi.WebUIApi]:
    """A client of the studio at `base`, as its own documentation makes one."""
    api = webuiapi.WebUIApi(baseurl=f"{base}/sdapi/v1", steps=4, **more)
    api.session.trust_env = False  # no proxy lies between this machine and itself
    try:
        yield api
    finally:
        api.session.close()


def pixels(image: Image.Image) -> npt.NDArray[np.int16]:
    """Its numbers, height x width x 3."""
    return np.asarray(image.convert("RGB")).astype(np.int16)
