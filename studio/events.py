"""EventBus: "something changed, look again". It carries no data: the row is the truth."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str], None]

# Topics besides the ids of jobs: the engine and its preparation; the queue as a whole.
ENGINE = "engine"
QUEUE = "queue"
# Kinds of things that topics are `about`.
GENERATION = "generation"
IMAGE = "image"
GRID = "grid"
DOWNLOAD = "download"
MODEL = "model"
DELIVERY = "delivery"


def about(kind: str, id_: str, owner: str | None = None) -> str:
    """The topic of one thing that isn't a job.

    Whose it is goes with it, as its row may be gone when somebody looks. No name of an owner holds a colon.
    """
    return f"{kind}:{owner or ''}:{id_}"


def parts(topic: str) -> tuple[str, str, str | None]:
    """(kind, id, owner) of what `about` gave; of any other topic ("", itself, None)."""
    kind, sign, rest = topic.partition(":")
    if not sign:
        return "", topic, None
    owner, _, id_ = rest.partition(":")
    return kind, id_, owner or None


class EventBus:
    """Tells listeners which topic changed: a job's id, a word such as "queue", or what `about` gives.

    Owner: the studio. Thread-safe. A listener runs in the thread that hints, so it must be short and must
    not raise: it sets an event or posts to a loop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, tuple[str | None, Listener]] = {}
        self._next = 0

    @contextmanager
    def listen(self, listener: Listener, topic: str | None = None) -> Iterator[None]:
        """Call `listener(topic)` on every hint while the context is open; `topic` None means all."""
        with self._lock:
            key = self._next
            self._next += 1
            self._listeners[key] = (topic, listener)
        try:
            yield
        finally:
            with self._lock:
                del self._listeners[key]

    def hint(self, topic: str) -> None:
        """Something about `topic` changed."""
        with self._lock:
            listeners = [call for wanted, call in self._listeners.values() if wanted in (None, topic)]
        for call in listeners:
            call(topic)
