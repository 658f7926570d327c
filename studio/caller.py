"""Caller: who asks, and what a key lets them do."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from studio.errors import NotAllowed


class Scope(StrEnum):
    """What a key is for; each may do what the ones before it may."""

    READ = "read"
    """Look at everything."""
    SUBMIT = "submit"
    """Also make jobs, cancel and retry one's own, and bring inputs."""
    ADMIN = "admin"
    """Everything."""

    def covers(self, other: "Scope") -> bool:
        """Whether whoever may do this may do the other as well."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True)
class Caller:
    """Whoever asks. Without a name: the person the studio belongs to, or the studio itself."""

    name: str | None = None
    scope: Scope = Scope.ADMIN
    per_minute: int | None = None
    """Most requests a minute; None: no limit."""
    most_pending: int | None = None
    """Most jobs of this caller that wait at a time; None: no limit of its own."""
    is_confined: bool = False
    """Whether they see what is their own, and nothing else; never so for admins."""

    def owns(self, owner: str | None) -> bool:
        """Whether what belongs to this owner may be changed by this caller."""
        return self.scope is Scope.ADMIN or (self.name is not None and owner == self.name)

    def check_owns(self, owner: str | None, what: str) -> None:
        """Errors: NotAllowed, naming `what`, if it is somebody else's."""
        if not self.owns(owner):
            raise NotAllowed(f"{what} belongs to somebody else; only an admin key may change it.")


# The person the studio belongs to, and the studio's own threads.
HOUSE = Caller()
# Somebody without a key, where none is asked for although there are keys.
STRANGER = Caller(name="", scope=Scope.READ, is_confined=True)

# Each request has its own, whichever door it came by: what a job's owner is must not depend on every handler
# of every door handing it on.
_ASKS: ContextVar[Caller] = ContextVar("asks", default=HOUSE)


@contextmanager
def asking(caller: Caller) -> Iterator[None]:
    """What happens while the context is open happens for this caller."""
    token = _ASKS.set(caller)
    try:
        yield
    finally:
        _ASKS.reset(token)


def asker() -> Caller:
    """For whom the present work is done."""
    return _ASKS.get()
