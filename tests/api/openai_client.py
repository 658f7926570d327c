"""The official clients, pointed at a studio."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI
from PIL import Image

PROMPT = "a red circle on a blue background"


@contextmanager
def talking_to(base: str, **more: Any) -> Iterator[OpenAI]:
    """The synchronous client of a studio at `base`; it tries nothing twice unless told to."""
    options: dict[str, Any] = {"api_key": "any", "max_retries": 0, "timeout": 120} | more
    plain = DefaultHttpxClient(trust_env=False)
    with OpenAI(base_url=f"{base}/v1", http_client=plain, **options) as client:
        yield client


def async_client(base: str) -> AsyncOpenAI:
    """The asynchronous client of a studio at `base`."""
    plain = DefaultAsyncHttpxClient(trust_env=False)
    return AsyncOpenAI(base_url=f"{base}/v1", api_key="any", max_retries=0, timeout=120, http_client=plain)


def picture_of(text: str | None) -> Image.Image:
    """The picture in some base64."""
    assert text is not None
    return Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
