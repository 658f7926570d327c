"""What is kept for one reader of the event stream, and what it is sent."""

import asyncio

from studio.api.events import frames
from studio.api.hub import MOST_BACKLOG, Event, Reader


def an_event(seq: int, key: str | None = None, size: int = 100, job_id: str | None = None) -> Event:
    return Event(seq, key, job_id, b"%08d" % seq + b"x" * (size - 8))


def taken(reader: Reader) -> list[int]:
    """The numbers of the events that wait."""
    frames = asyncio.run(reader.take(0.01))
    assert frames is not None
    return [int(frame) for frame in frames.replace(b"x", b" ").split()]


def test_a_reader_keeps_the_latest_of_a_kind_in_the_order_of_events() -> None:
    reader = Reader()
    reader.begin([])
    for seq, key in enumerate(["state", "job a", None, "state", "job b", None, "job a"]):
        reader.offer(an_event(seq, key))

    assert taken(reader) == [2, 3, 4, 5, 6]
    assert taken(reader) == []


def test_a_reader_that_falls_behind_starts_over_and_keeps_little() -> None:
    reader = Reader()
    reader.begin([])
    for seq in range(3 * MOST_BACKLOG // 1000):
        reader.offer(an_event(seq, size=1000))

    assert reader.wants_state
    assert taken(reader) == []
    reader.begin([an_event(7)])
    assert taken(reader) == [7]


def test_a_silent_stream_says_now_and_then_that_it_lives() -> None:
    async def listen() -> list[bytes]:
        reader = Reader()
        reader.begin([])
        stream = frames(reader, keep_alive=0.01)
        heard = [await anext(stream), await anext(stream)]
        reader.offer(an_event(7, size=20))
        heard.append(await anext(stream))
        reader.end()
        return heard + [frame async for frame in stream]

    assert asyncio.run(listen()) == [b"retry: 1000\n\n", b": ping\n\n", an_event(7, size=20).frame]
