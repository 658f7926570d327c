"""Keys: who may use the studio besides its owner. A key is shown once and kept as a hash."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from peewee import CharField, Database, DoubleField, IntegerField, Model, TextField, fn

from studio.caller import Caller, Scope
from studio.clock import Clock
from studio.database import first_row
from studio.errors import Conflict, InvalidRequest, NotFound
from studio.reader import Reader
from studio.webhook import parsed
from studio.writer import Writer

# They are all read at once.
MAX_KEYS = 1000
MAX_LIMIT = 1_000_000
# A name stands in logs, lists and command lines.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class KeyRow(Model):
    """A key. A revoked one stays, so that nobody else gets its name, and with it its jobs."""

    name = CharField(primary_key=True)
    digest = CharField(unique=True)
    scope = TextField()
    per_minute = IntegerField(null=True)
    most_pending = IntegerField(null=True)
    created_at = DoubleField()
    revoked_at = DoubleField(null=True)
    webhook = TextField(null=True)

    class Meta:
        table_name = "api_key"


@dataclass(frozen=True)
class Key:
    """A key as it is kept; times are seconds since the epoch."""

    caller: Caller
    digest: str
    created_at: float
    revoked_at: float | None = None
    webhook: str | None = field(default=None, repr=False)
    """The address that is told of the end of its jobs. Not for logs: it may hold a secret."""

    @property
    def name(self) -> str:
        """What it was called when it was made."""
        return self.caller.name or ""


def digest_of(secret: bytes) -> str:
    """What is kept of a key.

    One round of SHA-256 is right for keys that we draw: nobody can try 2^256 of them, however fast trying is.
    Slow hashes are for what people think up.
    """
    return hashlib.sha256(secret).hexdigest()


class Keys:
    """The keys in the database. Thread-safe; owner: assembly, or the command line beside a running studio."""

    def __init__(
        self, database: Database, writer: Writer, clock: Clock, *, new_secret: Callable[[], str]
    ) -> None:
        """`new_secret` draws a text of at least 256 random bits."""
        self._database = database
        self._writer = writer
        self._clock = clock
        self._new_secret = new_secret
        self._read = Reader(database).run

    def add(
        self,
        name: str,
        scope: Scope = Scope.SUBMIT,
        *,
        per_minute: int | None = None,
        most_pending: int | None = None,
        webhook: str | None = None,
    ) -> str:
        """The secret of a new key; it can't be had again. Errors: InvalidRequest; Conflict."""
        if _NAME.fullmatch(name) is None:
            raise InvalidRequest(
                f"{name[:64]!r} has to be 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', the first a letter or "
                "digit",
                field="name",
            )
        for flag, limit in (("per-minute", per_minute), ("queue", most_pending)):
            if limit is not None and not 1 <= limit <= MAX_LIMIT:
                raise InvalidRequest(f"has to be from 1 to {MAX_LIMIT}, not {limit}", field=flag)
        if webhook is not None:
            parsed(webhook)
        secret, now = self._new_secret(), self._clock.now()

        def change() -> None:
            if first_row(KeyRow.select(fn.COUNT(KeyRow.name)).tuples(), self._database)[0] >= MAX_KEYS:
                raise Conflict(f"There are {MAX_KEYS} keys already, revoked ones included.")
            insert = KeyRow.insert(
                name=name, digest=digest_of(secret.encode()), scope=str(scope), per_minute=per_minute,
                most_pending=most_pending, created_at=now, webhook=webhook,
            ).on_conflict(action="nothing")  # fmt: skip
            if insert.as_rowcount().execute(self._database):
                return
            # Stored it may be by a first try whose answer got lost.
            ours = KeyRow.select(KeyRow.name).where(KeyRow.digest == digest_of(secret.encode()))
            if first_row(ours.tuples(), self._database) is None:
                raise Conflict(
                    f"There is or was a key called {name!r}, whose jobs bear its name; choose another."
                )

        self._writer.run(change)
        return secret

    def all(self) -> list[Key]:
        """Every key, revoked ones too, by name."""
        rows = self._read(lambda: list(KeyRow.select().dicts().execute(self._database)))
        return sorted(map(_to_key, rows), key=lambda key: key.name)

    def valid(self) -> list[Key]:
        """The keys that open."""
        return [key for key in self.all() if key.revoked_at is None]

    def set_webhook(self, name: str, webhook: str | None) -> None:
        """Have that address told of the end of the key's jobs; None: nobody.

        Errors: InvalidRequest; NotFound.
        """
        if webhook is not None:
            parsed(webhook)

        def change() -> None:
            valid = (KeyRow.name == name) & KeyRow.revoked_at.is_null()
            if not KeyRow.update(webhook=webhook).where(valid).execute(self._database):
                raise _no_valid_key(name)

        self._writer.run(change)

    def revoke(self, name: str) -> None:
        """Have the key open nothing any more, and nobody told by it; its jobs stay. Errors: NotFound."""

        now = self._clock.now()

        def change() -> None:
            # Revoked at this moment it may be by a first try whose answer got lost.
            is_valid = KeyRow.revoked_at.is_null() | (KeyRow.revoked_at == now)
            revoked = KeyRow.update(revoked_at=now, webhook=None).where((KeyRow.name == name) & is_valid)
            if not revoked.execute(self._database):
                raise _no_valid_key(name)

        self._writer.run(change)


def _no_valid_key(name: str) -> NotFound:
    return NotFound(f"No valid key is called {name[:64]!r}.")


def _to_key(row: Mapping[str, Any]) -> Key:
    caller = Caller(
        name=row["name"],
        scope=Scope(row["scope"]),
        per_minute=row["per_minute"],
        most_pending=row["most_pending"],
    )
    return Key(caller, row["digest"], row["created_at"], row["revoked_at"], row["webhook"])
