"""Hub: what happens in the studio, as one stream of events for any number of readers.

The bus says that something changed; the hub then reads the rows once, however many listen, and hands every
reader the same bytes. It works only while somebody listens. Everything but `_hint` runs in the server's loop.
"""

import asyncio
import contextlib
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import Context
from functools import partial
from typing import NamedTuple

from fastapi.sse import format_sse_event
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from studio.api.happenings import Audience, Happening, Happenings, everybody
from studio.caller import Caller, asker
from studio.service import Studio
from studio.sight import Sight, sight_of

log = logging.getLogger(__name__)

# At most so often everybody is told what changed, in seconds.
INTERVAL = 0.2
# How often the hub looks whether the studio shuts down, and how long it waits after a fault, in seconds.
STOP_CHECK = 0.5
FAULT_PAUSE = 1.0
# More jobs changed at once than this, and readers get a new state instead of every one of them.
MOST_TOPICS = 200
# What is kept for readers that come back, and for one that reads slowly; in bytes of frames.
MOST_KEPT = 2**21
MOST_BACKLOG = 2**20


class Event(NamedTuple):
    """What readers get. A later event with the same `key` makes this one superfluous; None: none does."""

    seq: int
    key: str | None
    job_id: str | None
    frame: bytes
    """for an event stream"""
    text: str = ""
    """the same for a websocket; about as long"""
    audience: Audience = everybody
    """who may hear it"""


class Reader:
    """What one listener has not been sent yet. Owner: the loop."""

    def __init__(self, job_id: str | None = None, last_seq: int | None = None) -> None:
        """`job_id`: only events of that job, after the state; `last_seq`: the last event it has already."""
        self.caller = asker()
        """Whoever listens: a reader is made in the course of their request."""
        self.job_id = job_id
        self.last_seq = last_seq
        self.wants_state = True
        """It is new, or lost track: next comes the state, and what it missed is forgotten."""
        self._ended = False
        self._backlog: OrderedDict[object, Event] = OrderedDict()
        self._bytes = 0
        self._some = asyncio.Event()

    def follows(self, event: Event) -> bool:
        """Whether the event is for this reader."""
        return event.audience(self.caller) and (self.job_id is None or event.job_id == self.job_id)

    def offer(self, event: Event) -> None:
        """Put an event behind what waits; if that is too much, forget all of it."""
        if self.wants_state or not self.follows(event):
            return
        self._add(event)
        if self._bytes > MOST_BACKLOG:
            self.wants_state = True
            self._clear()

    def begin(self, events: list[Event]) -> None:
        """Start over with these."""
        self._clear()
        self.wants_state = False
        for event in events:
            self._add(event)

    def end(self) -> None:
        """There will be no more."""
        self._ended = True
        self._some.set()

    async def take(self, seconds: float) -> bytes | None:
        """The frames of all that waits, once there is something: as `next`."""
        events = await self.next(seconds)
        return None if events is None else b"".join(event.frame for event in events)

    async def next(self, seconds: float) -> list[Event] | None:
        """All that waits, once there is something; empty after so many seconds; None at the end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._some.wait()
        if self._ended:
            return None
        events = list(self._backlog.values())
        self._clear()
        return events

    def _add(self, event: Event) -> None:
        key = event.seq if event.key is None else event.key
        earlier = self._backlog.pop(key, None)
        self._bytes += len(event.frame) - (len(earlier.frame) if earlier else 0)
        self._backlog[key] = event
        self._some.set()

    def _clear(self) -> None:
        self._backlog.clear()
        self._bytes = 0
        self._some.clear()


class Hub:
    """Tells readers what happens. One for each application."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._happenings = Happenings(studio)
        self._readers: set[Reader] = set()
        # Beyond every number of an earlier life, so that nobody resumes where nobody was.
        self._seq = int(studio.clock.now() * 1000)
        self._oldest = self._seq
        """The first number after which everything is kept."""
        self._kept: deque[Event] = deque()
        self._kept_bytes = 0
        self._work = contextlib.ExitStack()
        self._woken = asyncio.Event()
        self._lock = threading.Lock()
        self._topics: dict[str, None] = {}

    @property
    def is_working(self) -> bool:
        """Whether somebody listens."""
        return bool(self._readers)

    @contextlib.contextmanager
    def join(self, reader: Reader) -> Iterator[None]:
        """Serve the reader while the context is open."""
        if not self._readers:
            self._open()
        self._readers.add(reader)
        # What somebody alone is told is not kept while they are away: they start over.
        last = reader.last_seq if sight_of(reader.caller).is_whole else None
        if last is not None and self._oldest <= last <= self._seq:
            reader.begin([event for event in self._kept if event.seq > last and reader.follows(event)])
        self._woken.set()
        try:
            yield
        finally:
            self._readers.discard(reader)
            if not self._readers:
                self._work.close()

    def _open(self) -> None:
        """Somebody listens: begin to work."""
        self._forget()
        self._topics = {}
        with contextlib.ExitStack() as work:
            work.enter_context(self._studio.bus.listen(self._hinter(asyncio.get_running_loop())))
            # Not in the name of the reader who came first: the hub works for the house.
            work.callback(asyncio.create_task(self._run(), context=Context()).cancel)
            self._work = work.pop_all()

    def _forget(self) -> None:
        """What was told so far leads nowhere: whoever comes back starts over."""
        self._seq += 1
        self._oldest = self._seq
        self._kept.clear()
        self._kept_bytes = 0
        self._happenings.forget()

    def _hinter(self, loop: asyncio.AbstractEventLoop) -> Callable[[str], None]:
        def hint(topic: str) -> None:
            """Any thread."""
            with self._lock:
                is_first = not self._topics
                if len(self._topics) <= MOST_TOPICS:
                    self._topics[topic] = None
            if is_first:
                with contextlib.suppress(RuntimeError):  # the loop was closed while the bus was speaking
                    loop.call_soon_threadsafe(self._woken.set)

        return hint

    async def _run(self) -> None:
        """Greet whoever is new at once, and tell what happened at most every INTERVAL."""
        now = asyncio.get_running_loop().time
        next_round = now()
        try:
            while self._studio.is_accepting:
                wait = STOP_CHECK if not self._topics else min(STOP_CHECK, next_round - now())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._woken.wait()
                self._woken.clear()
                try:
                    await self._greet()
                    if self._topics and now() >= next_round:
                        next_round = now() + INTERVAL
                        await self._tell()
                except Exception:
                    log.exception("events could not be read; everybody starts over in %.0f s", FAULT_PAUSE)
                    self._start_over()
                    await asyncio.sleep(FAULT_PAUSE)
        finally:
            for reader in self._readers:
                reader.end()

    async def _greet(self) -> None:
        """Give the state, and the job they follow, to those who know nothing."""
        newcomers = [reader for reader in self._readers if reader.wants_state]
        if not newcomers:
            return
        told_before = _sights(reader for reader in self._readers if not reader.wants_state)
        greetings: dict[Sight, Event] = {}
        for shown, caller in _sights(newcomers).items():
            greet = partial(self._happenings.greeting, caller, has_peers=shown in told_before)
            greetings[shown] = _event(self._seq, await run_in_threadpool(greet))
        for reader in newcomers:
            events = [greetings[sight_of(reader.caller)]]
            if reader.job_id is not None:
                happened = await run_in_threadpool(self._happenings.job, reader.job_id, reader.caller)
                events += [_event(self._seq, happening) for happening in happened]
            reader.begin(events)

    async def _tell(self) -> None:
        with self._lock:
            topics, self._topics = self._topics, {}
        if len(topics) > MOST_TOPICS:
            self._start_over()
            return
        callers = list(_sights(self._readers).values())
        for happening in await run_in_threadpool(self._happenings.news, topics, callers):
            self._seq += 1
            event = _event(self._seq, happening)
            self._keep(event)
            for reader in self._readers:
                reader.offer(event)
        if any(reader.wants_state for reader in self._readers):
            self._woken.set()

    def _start_over(self) -> None:
        """Too much happened to tell it one by one: everybody gets a new state."""
        self._forget()
        for reader in self._readers:
            reader.wants_state = True
        self._woken.set()

    def _keep(self, event: Event) -> None:
        self._kept.append(event)
        self._kept_bytes += len(event.frame)
        while self._kept_bytes > MOST_KEPT:
            gone = self._kept.popleft()
            self._kept_bytes -= len(gone.frame)
            self._oldest = gone.seq


def _event(seq: int, happening: Happening) -> Event:
    payload = happening.payload | ({"seq": seq} if happening.name == "state" else {})
    # Some clients end lines at more letters than the format does.
    data = to_json(payload, ensure_ascii=True).decode()
    frame = format_sse_event(data_str=data, event=happening.name, id=str(seq))
    text = f'{{"id":"{seq}","event":"{happening.name}","data":{data}}}'
    return Event(seq, happening.key, happening.job_id, frame, text, happening.audience)


def _sights(readers: Iterable[Reader]) -> dict[Sight, Caller]:
    """How much these see, each with one who sees that much."""
    return {sight_of(reader.caller): reader.caller for reader in readers}
