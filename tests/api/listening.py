"""A client of the event stream, as strict about the format as a browser is."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Heard:
    """One event."""

    name: str
    id: str
    payload: dict[str, Any]


class Listener:
    """An open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.comments = 0
        self._lines = response.iter_lines()

    def next(self) -> Heard:
        """The next event; StopIteration when the stream has ended."""
        fields: dict[str, str] = {}
        while True:
            line = next(self._lines)
            if not line:
                if "data" in fields:
                    return Heard(fields["event"], fields["id"], json.loads(fields["data"]))
                fields.clear()
            elif line.startswith(":"):
                self.comments += 1
            else:
                name, separator, value = line.partition(": ")
                assert separator, line
                assert name in ("event", "data", "id", "retry"), line
                assert name not in fields, line
                fields[name] = value

    def until(self, name: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> list[Heard]:
        """Events up to the first of that name whose payload is wanted."""
        heard = [self.next()]
        while heard[-1].name != name or not wanted(heard[-1].payload):
            heard.append(self.next())
        return heard

    def rest(self) -> Iterator[Heard]:
        """Events until the stream ends."""
        while True:
            try:
                yield self.next()
            except StopIteration:
                return


@contextmanager
def listening(
    base: str, *, job: str | None = None, last: str | None = None, **headers: str
) -> Iterator[Listener]:
    """Listen at `base`, from after the event `last`."""
    if last is not None:
        headers["Last-Event-ID"] = last
    params = {} if job is None else {"job": job}
    with (
        httpx.Client(trust_env=False, timeout=60) as client,
        client.stream("GET", f"{base}/api/events", params=params, headers=headers) as response,
    ):
        yield Listener(response)
