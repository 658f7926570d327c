"""A studio that may send webhooks to receivers of a test, and waiting for what becomes of them."""

import threading
from collections.abc import Callable
from typing import Any

from studio.events import DELIVERY, about
from studio.webhook import secret_of
from studio.webhook_root import read_root
from tests.api.serving import Served


def secret(served: Served, owner: str | None = None) -> str:
    """What receivers of this owner's webhooks know."""
    root = read_root(served.studio.settings.outputs)
    assert root is not None
    return secret_of(root, owner)


def webhooks(served: Served, job_id: str, **more: Any) -> list[dict[str, Any]]:
    """What the API says of them."""
    answer = served.api.get(f"/queue/{job_id}/webhooks", **more)
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()
    return told


def webhooks_once(
    served: Served, job_id: str, enough: Callable[[dict[str, Any]], bool], **more: Any
) -> list[dict[str, Any]]:
    """Them, once `enough` is true of each."""
    changed = threading.Event()
    with served.studio.bus.listen(lambda _: changed.set(), about(DELIVERY, job_id)):
        while True:
            changed.clear()
            told = webhooks(served, job_id, **more)
            if told and all(map(enough, told)):
                return told
            assert changed.wait(30), f"nothing happens: {told}"


def over(webhook: dict[str, Any]) -> bool:
    return webhook["state"] in ("delivered", "given_up")
