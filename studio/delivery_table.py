"""DeliveryTable: what one transaction may do to the deliveries of webhooks.

Everything here runs inside a connection or transaction that the caller opened.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from peewee import CharField, Database, DoubleField, IntegerField, Model, TextField, chunked

from studio.database import first_row
from studio.job import Job, JobStatus
from studio.keys import KeyRow
from studio.schema import EVERY_COLUMN
from studio.webhook import EVENTS, Delivery, DeliveryState, Source, origin_of

# Rows in one statement: both databases limit its parameters.
_AT_ONCE = 500


class DeliveryRow(Model):
    """One address that is told of one job's end. `due_at`: the next try; null once it is over."""

    id = CharField(primary_key=True)
    job_id = CharField()
    source = CharField()
    event = CharField()
    owner = TextField(null=True)
    address = TextField()
    origin = TextField()
    state = CharField()
    tries = IntegerField(default=0)
    error = TextField(null=True)
    created_at = DoubleField()
    due_at = DoubleField(null=True)
    ended_at = DoubleField(null=True)

    class Meta:
        table_name = "delivery"


class Ended(NamedTuple):
    """A job that is over now."""

    job_id: str
    owner: str | None
    webhook: str | None


class Due(NamedTuple):
    """A delivery that is to be tried. `address` is for the receiver alone."""

    id: str
    job_id: str
    event: str
    owner: str | None
    address: str
    origin: str
    tries: int
    created_at: float


class DeliveryTable:
    """The delivery table of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def announce(self, ended: Iterable[Ended], status: JobStatus, now: float) -> None:
        """Have everybody told who wants to be told of these jobs' end."""
        jobs = list(ended)
        of_keys = self._of_keys({job.owner for job in jobs if job.owner is not None})
        rows = [
            {
                # A job ends once: no second delivery can have this id.
                "id": str(uuid.uuid5(uuid.UUID(job.job_id), source)),
                "job_id": job.job_id, "source": str(source),
                "event": EVENTS[status], "owner": job.owner, "address": address, "origin": origin_of(address),
                "state": str(DeliveryState.WAITING), "created_at": now, "due_at": now,
            }
            for job in jobs
            for source, address in _wanted(job.webhook, of_keys.get(job.owner or ""))
        ]  # fmt: skip
        for some in chunked(rows, _AT_ONCE):
            DeliveryRow.insert_many(some).execute(self._database)

    def of_job(self, job: Job) -> list[Delivery]:
        """Who is told of the job's end; until it ends, who would be."""
        rows = DeliveryRow.select(EVERY_COLUMN).where(DeliveryRow.job_id == job.id)
        told = [
            _to_delivery(row) for row in rows.order_by(DeliveryRow.source).dicts().execute(self._database)
        ]
        if told or job.is_final:
            return told
        of_keys = {} if job.owner is None else self._of_keys({job.owner})
        return [
            Delivery(source, origin_of(address), DeliveryState.PLANNED)
            for source, address in _wanted(job.webhook, of_keys.get(job.owner or ""))
        ]

    def soonest(self) -> float | None:
        """When the first of all is due, those under way included; None: nothing is left to tell.

        Asked whenever any job changes, so no query is built for it.
        """
        query = "SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL"
        ((due_at,),) = self._database.execute_sql(query).fetchall()
        return None if due_at is None else float(due_at)

    def next_due(self, now: float, *, but: Collection[str], not_at: Collection[str]) -> Due | None:
        """The delivery whose turn it is, of those that are not under way and not at these origins."""
        query = (
            DeliveryRow.select(*(getattr(DeliveryRow, name) for name in Due._fields))
            .where(
                (DeliveryRow.due_at <= now) & DeliveryRow.id.not_in(but) & DeliveryRow.origin.not_in(not_at)
            )
            .order_by(DeliveryRow.due_at)
            .limit(1)
        )
        row = first_row(query.tuples(), self._database)
        return None if row is None else Due(*row)

    def next_time(self, now: float) -> float | None:
        """When the next delivery after `now` is due, if there is one."""
        later = DeliveryRow.select(DeliveryRow.due_at).where(DeliveryRow.due_at > now)
        row = first_row(later.order_by(DeliveryRow.due_at).limit(1).tuples(), self._database)
        return None if row is None else float(row[0])

    def try_again(self, delivery_id: str, error: str, due_at: float) -> None:
        """A try came to nothing; the next one is due then."""
        self._change(delivery_id, error=error, due_at=due_at)

    def end(self, delivery_id: str, state: DeliveryState, error: str | None, now: float) -> None:
        """It was delivered or given up."""
        self._change(delivery_id, error=error, state=str(state), due_at=None, ended_at=now)

    def prune(self, before: float) -> int:
        """Forget what was over before that time; how many."""
        return int(DeliveryRow.delete().where(DeliveryRow.ended_at < before).execute(self._database))

    def _change(self, delivery_id: str, **columns: Any) -> None:
        change = DeliveryRow.update(tries=DeliveryRow.tries + 1, **columns)
        change.where(DeliveryRow.id == delivery_id).execute(self._database)

    def _of_keys(self, owners: Collection[str]) -> dict[str, str]:
        """{owner: the webhook of their key}; keys that open nothing any more have none."""
        if not owners:
            return {}
        query = KeyRow.select(KeyRow.name, KeyRow.webhook).where(
            KeyRow.webhook.is_null(False) & KeyRow.name.in_(owners)
        )
        return dict(query.tuples().execute(self._database))


def _wanted(of_job: str | None, of_key: str | None) -> Sequence[tuple[Source, str]]:
    both = ((Source.JOB, of_job), (Source.KEY, of_key))
    return [(source, address) for source, address in both if address is not None]


def _to_delivery(row: Any) -> Delivery:
    return Delivery(
        id=row["id"],
        source=Source(row["source"]),
        origin=row["origin"],
        state=DeliveryState(row["state"]),
        tries=row["tries"],
        error=row["error"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
    )
