"""Deliveries: tells webhooks of the end of jobs, again and again until they heard or are given up.

What is to be told lies in the database, written by the transaction that ended the job. So nothing is lost
whenever the studio dies; a receiver that was told in the last moment may be told twice.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from peewee import Database
from pydantic_core import to_json

from studio.carrier import Carrier, NotReached
from studio.clock import Clock
from studio.delivery_table import DeliveryTable, Due
from studio.errors import AddressRefused, StudioError
from studio.events import DELIVERY, EventBus, about
from studio.job import Job
from studio.reader import Reader
from studio.store import JobStore, is_id
from studio.webhook import Delivery, DeliveryState, is_worth_another_try, pause_after, secret_of, signature
from studio.writer import Writer

log = logging.getLogger(__name__)

Spell = Callable[[Job], Any]
"""What JSON is made of, to tell of a job as the API shows it."""

AT_ONCE = 8
# A receiver that answers slowly keeps others waiting for nothing but its own turn.
AT_ONCE_EACH = 2
KEPT_SECONDS = 7 * 86400.0
# Old deliveries are forgotten this often, in seconds; and the longest time between two looks.
PRUNE_EVERY = 3600.0
# The pause after the database could not be reached, in seconds.
FAULT_PAUSE = 30.0
# How long an end of the studio waits for what is under way; what is not recorded is told again.
CLOSE_SECONDS = 3.0


class Deliveries:
    """Tells. Thread-safe; owner: the studio.

    A thread of its own looks what is due: when a job changed, a pause is over or a delivery is done. Each
    delivery has a thread while it lasts.
    """

    def __init__(
        self,
        *,
        database: Database,
        writer: Writer,
        store: JobStore,
        carrier: Carrier,
        root: bytes,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        """`root` is what the secrets follow from."""
        self._table = DeliveryTable(database)
        self._read = Reader(database).run
        self._writer = writer
        self._store = store
        self._carrier = carrier
        self._root = root
        self._bus = bus
        self._clock = clock
        self._spell: Spell | None = None
        self._thread = threading.Thread(target=self._loop, name="deliveries", daemon=True)
        self._awake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._under_way: dict[str, tuple[str, threading.Thread]] = {}
        self._pruned_at: float | None = None

    def tell_by(self, spell: Spell) -> None:
        """How jobs are told; without it nobody is told anything."""
        self._spell = spell
        self._awake.set()

    def of_job(self, job: Job) -> list[Delivery]:
        """Who is told of the job's end, and how far that is."""
        return self._read(lambda: self._table.of_job(job))

    def start(self) -> None:
        """Begin to work; returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Begin nothing more, and wait a moment for what is under way; idempotent."""
        self._stopping.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:
            threads = [thread for _, thread in self._under_way.values()]
        until = self._clock.monotonic() + CLOSE_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - self._clock.monotonic()))

    # -- the thread ----------------------------------------------------------------------------------

    def _loop(self) -> None:
        with self._bus.listen(self._hint):
            while not self._stopping.is_set():
                self._awake.clear()
                try:
                    wait = self._round()
                except Exception:
                    log.exception("deliveries could not be read; again in %d s", FAULT_PAUSE)
                    wait = FAULT_PAUSE
                self._clock.wait(self._awake, wait)

    def _hint(self, topic: str) -> None:
        if is_id(topic):
            self._awake.set()

    def _round(self) -> float:
        """Begin what is due; seconds until there may be more."""
        now = self._clock.now()
        self._prune(now)
        first = self._read(self._table.soonest)
        if first is None or first > now:
            return PRUNE_EVERY if first is None else min(PRUNE_EVERY, first - now)
        while (due := self._choose(now)) is not None:
            # Daemons: a receiver that says nothing must not hold up the end of the process.
            thread = threading.Thread(target=self._deliver, args=(due,), name="delivery", daemon=True)
            with self._lock:
                self._under_way[due.id] = due.origin, thread
            thread.start()
        soonest = self._read(lambda: self._table.next_time(now))
        return PRUNE_EVERY if soonest is None else min(PRUNE_EVERY, soonest - now)

    def _choose(self, now: float) -> Due | None:
        """The next delivery that may begin."""
        with self._lock:
            known = list(self._under_way)
            each = Counter(origin for origin, _ in self._under_way.values())
        if self._spell is None or self._stopping.is_set() or len(known) >= AT_ONCE:
            return None
        busy = [origin for origin, count in each.items() if count >= AT_ONCE_EACH]
        return self._read(lambda: self._table.next_due(now, but=known, not_at=busy))

    def _prune(self, now: float) -> None:
        if self._pruned_at is None or not 0 <= now - self._pruned_at < PRUNE_EVERY:
            self._pruned_at = now
            self._writer.run(lambda: self._table.prune(now - KEPT_SECONDS))

    # -- a delivery's thread -------------------------------------------------------------------------

    def _deliver(self, due: Due) -> None:
        try:
            state, error = self._try(due)
            self._record(due, state, error)
            self._bus.hint(about(DELIVERY, due.job_id))
        except Exception as fault:
            expected = isinstance(fault, StudioError)
            log.error("delivery %s of job %s: %s", due.id, due.job_id, fault, exc_info=not expected)
            # It is still due: without a pause it would be told without end.
            self._clock.wait(self._stopping, FAULT_PAUSE)
        finally:
            with self._lock:
                del self._under_way[due.id]
            self._awake.set()

    def _try(self, due: Due) -> tuple[DeliveryState, str | None]:
        """What one try comes to, and why if it came to nothing."""
        assert self._spell is not None, "chosen without it"
        body = to_json(
            {
                "event": due.event,
                "delivery": due.id,
                "time": int(due.created_at),
                "job": self._spell(self._store.get(due.job_id)),
            }
        )
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "sd.cpp-studio",
            "X-Studio-Delivery": due.id,
            "X-Studio-Event": due.event,
            "X-Studio-Signature": signature(secret_of(self._root, due.owner), int(self._clock.now()), body),
        }
        try:
            status = self._carrier.post(due.address, headers, body)
        except AddressRefused as error:
            return DeliveryState.GIVEN_UP, error.message
        except NotReached as error:
            return DeliveryState.WAITING, str(error)
        if 200 <= status < 300:
            return DeliveryState.DELIVERED, None
        if 300 <= status < 400:
            return DeliveryState.GIVEN_UP, f"The receiver answered {status}; redirects are not followed."
        is_open = is_worth_another_try(status)
        return (
            DeliveryState.WAITING if is_open else DeliveryState.GIVEN_UP,
            f"The receiver answered {status}.",
        )

    def _record(self, due: Due, state: DeliveryState, error: str | None) -> None:
        now, tries = self._clock.now(), due.tries + 1
        pause = pause_after(tries) if state is DeliveryState.WAITING else None
        if state is DeliveryState.WAITING and pause is None:
            state, error = DeliveryState.GIVEN_UP, f"{error} That was try {tries}, the last one."
        if pause is None:
            self._writer.run(lambda: self._table.end(due.id, state, error, now))
        else:
            self._writer.run(lambda: self._table.try_again(due.id, error or "", now + pause))
        log.info("delivery %s of job %s to %s, try %d: %s", due.id, due.job_id, due.origin, tries,
                 error or state)  # fmt: skip
