"""MemoryLevels: how thrifty a model had to be for pictures of a size, remembered from job to job."""

from dataclasses import dataclass

from peewee import EXCLUDED, Database

from studio.clock import Clock
from studio.reader import Reader
from studio.schema import MemoryLevelRow
from studio.thrift import Thrift
from studio.writer import Writer

# Memory is often short only because another program has it, so after such a time one rung less is tried, and
# after twice the time two: that costs at most one failed try each time, and a slow setting does not stay.
PATIENCE_SECONDS = 7 * 86_400.0


@dataclass(frozen=True)
class Need:
    """What wants memory: pictures of `pixels` (width times height; 0: the model alone) with a model.

    `fingerprint` stands for what its entry says about loading it. `untiled`: the person forbade VAE tiling,
    so that what is learned of such jobs says nothing about others.
    """

    model: str
    fingerprint: str
    pixels: int
    untiled: bool = False


class MemoryLevels:
    """The rungs in the database. Thread-safe; owner: assembly."""

    def __init__(self, database: Database, writer: Writer, clock: Clock) -> None:
        self._database = database
        self._writer = writer
        self._clock = clock
        self._read = Reader(database).run

    def rung(self, need: Need) -> Thrift | None:
        """The highest rung that this, or less, is known to need; None if nothing is known."""
        row = MemoryLevelRow
        known = (
            (row.model == need.model) & (row.fingerprint == need.fingerprint) & (row.pixels <= need.pixels)
        )
        if not need.untiled:
            known &= ~row.untiled
        query = row.select(row.level, row.updated_at).where(known).tuples()
        rungs, now = list(Thrift), self._clock.now()
        places = [
            rungs.index(Thrift(level)) - int(max(0.0, now - learned) // PATIENCE_SECONDS)
            for level, learned in self._read(lambda: list(query.execute(self._database)))
            if level in rungs
        ]
        highest = max(places, default=-1)
        return rungs[highest] if highest >= 0 else None

    def remember(self, need: Need, rung: Thrift) -> None:
        """It needed this rung now; what was known of another form of the model's entry is forgotten."""
        now = self._clock.now()

        def change() -> None:
            row = MemoryLevelRow
            others = (row.model == need.model) & (row.fingerprint != need.fingerprint)
            row.delete().where(others).execute(self._database)
            insert = row.insert(
                model=need.model, fingerprint=need.fingerprint, pixels=need.pixels, untiled=need.untiled,
                level=str(rung), updated_at=now,
            )  # fmt: skip
            insert.on_conflict(
                conflict_target=[row.model, row.fingerprint, row.pixels, row.untiled],
                update={"level": EXCLUDED.level, "updated_at": EXCLUDED.updated_at},
            ).execute(self._database)

        self._writer.run(change)
