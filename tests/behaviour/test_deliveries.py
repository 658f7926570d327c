"""What the telling of webhooks does when the database can't be written, and when the studio stops."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from studio.carrier import Carrier
from studio.database import close_database, migrate, open_database
from studio.deliveries import FAULT_PAUSE, Deliveries
from studio.errors import StorageFull
from studio.events import DELIVERY, EventBus, about
from studio.job import Job
from studio.store import JobStore
from studio.webhook import DeliveryState
from studio.writer import GroupWriter
from tests.builders import a_recipe
from tests.fakes import FakeClock
from tests.receiver import Receiver, receiving

T = TypeVar("T")


class NoRoom:
    """A writer on a disk that is full until `has_room` is set; `refused` is how often it said so."""

    def __init__(self, writer: GroupWriter) -> None:
        self._writer = writer
        self.has_room = False
        self.refused = threading.Semaphore(0)

    def run(self, change: Callable[[], T]) -> T:
        if not self.has_room:
            self.refused.release()
            raise StorageFull("The disk is full.")
        return self._writer.run(change)

    def close(self) -> None:
        self._writer.close()


class Post:
    """A database with a job that ended, and the telling of it."""

    def __init__(self, path: Path, receiver: Receiver) -> None:
        self.database = open_database(str(path))
        migrate(self.database)
        self.clock, self.bus = FakeClock(), EventBus()
        self.writer = GroupWriter(self.database)
        self.full = NoRoom(self.writer)
        self.jobs = JobStore(self.database, self.writer, self.clock)
        self.job = self.ended(receiver.address("/first"))
        self.deliveries = Deliveries(
            database=self.database, writer=self.full, store=self.jobs, carrier=Carrier(lambda url: None),
            root=bytes(32), bus=self.bus, clock=self.clock,
        )  # fmt: skip

    def ended(self, webhook: str) -> Job:
        """A new job, which is over."""
        job = self.jobs.add(a_recipe(), max_pending=9, webhook=webhook)
        return self.jobs.request_cancel(job.id)

    def state(self) -> DeliveryState:
        (delivery,) = self.deliveries.of_job(self.job)
        return delivery.state

    def close(self) -> None:
        self.deliveries.close()
        self.writer.close()
        close_database(self.database)


def spelled(job: Job) -> dict[str, str]:
    return {"id": job.id}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def post(tmp_path: Path, receiver: Receiver) -> Iterator[Post]:
    post = Post(tmp_path / "studio.db", receiver)
    yield post
    post.close()


def test_what_can_not_be_recorded_is_not_told_without_end(post: Post, receiver: Receiver) -> None:
    post.deliveries.tell_by(spelled)
    post.full.has_room = True
    post.deliveries._prune(post.clock.now())
    post.full.has_room = False
    post.deliveries.start()
    receiver.wait(1)
    assert post.full.refused.acquire(timeout=30)
    # The answer could not be written. The next one to be told is another, though the first is still due.
    post.bus.hint(post.ended(receiver.address("/second")).id)
    assert [told.path for told in receiver.wait(2)] == ["/first", "/second"]
    assert post.state() is DeliveryState.WAITING

    post.full.has_room = True
    told = threading.Event()
    with post.bus.listen(lambda _: told.set(), about(DELIVERY, post.job.id)):
        for _ in range(600):
            # Its pause may not have begun yet.
            post.clock.advance(FAULT_PAUSE)
            if told.wait(0.05):
                break
    assert told.is_set()

    assert post.state() is DeliveryState.DELIVERED
    first = [told for told in receiver.told if told.path == "/first"]
    assert len({told.headers["x-studio-delivery"] for told in first}) == 1


def test_nobody_is_told_before_it_is_known_how_jobs_are_spelled(post: Post, receiver: Receiver) -> None:
    post.full.has_room = True
    post.deliveries.start()
    post.bus.hint(post.job.id)
    assert receiver.told == []

    post.deliveries.tell_by(spelled)

    (told,) = receiver.wait(1)
    assert told.json["job"] == {"id": post.job.id}


def test_closing_does_not_wait_for_a_receiver_that_keeps_silent(post: Post, receiver: Receiver) -> None:
    post.full.has_room = True
    post.deliveries.tell_by(spelled)
    receiver.hold()
    post.deliveries.start()
    receiver.wait(1)

    post.deliveries.close()

    assert post.state() is DeliveryState.WAITING
    assert len(receiver.told) == 1
    receiver.release()
