"""What the stub engines wrote down."""

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

Line = dict[str, Any]


class EngineLog:
    """Follows the stubs' file of JSON lines.

    `arrivals`, `starts` and `finishes` are by the id in the prompt's directive; `boots`, `ready`, `exits` and
    `refusals` in the order written; `pids` are all engines that ever wrote, `last` when each last did.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self.arrivals: dict[str, Line] = {}
        self.starts: dict[str, Line] = {}
        self.finishes: dict[str, Line] = {}
        self.boots: list[Line] = []
        self.ready: list[Line] = []
        self.exits: list[Line] = []
        self.refusals: list[Line] = []
        self.pids: set[int] = set()
        self.last: dict[int, float] = {}

    def read(self) -> None:
        """Take in what has been written since; a file that isn't there yet is empty."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
        except OSError:
            return
        self._offset += len(fresh)
        lines = (self._rest + fresh).split(b"\n")
        self._rest = lines.pop()
        for text in lines:
            try:
                self._take(json.loads(text))
            except ValueError:
                continue

    def _take(self, line: Line) -> None:
        self.pids.add(line["pid"])
        self.last[line["pid"]] = line["t"]
        by_id = {"arr": self.arrivals, "start": self.starts, "fin": self.finishes}
        in_order = {
            "boot": self.boots,
            "ready": self.ready,
            "exit": self.exits,
            "die": self.exits,
            "bad": self.refusals,
            "http404": self.refusals,
        }
        event = line["ev"]
        if event in by_id and line.get("id"):
            by_id[event][line["id"]] = line
        elif event in in_order:
            in_order[event].append(line)

    def running(self) -> list[str]:
        """Ids that an engine, still alive, has begun and not finished."""
        self.read()
        return [
            tag
            for tag, line in self.starts.items()
            if tag not in self.finishes and psutil.pid_exists(line["pid"])
        ]

    async def started(self, tag: str, timeout: float) -> Line | None:
        """The line of that id's start, waiting for it up to `timeout` seconds."""
        return await self._wait(self.starts, tag, timeout)

    async def finished(self, tag: str, timeout: float) -> Line | None:
        """The line of that id's finish, waiting for it up to `timeout` seconds."""
        return await self._wait(self.finishes, tag, timeout)

    async def _wait(self, lines: dict[str, Line], tag: str, timeout: float) -> Line | None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.read()
            if tag in lines:
                return lines[tag]
            await asyncio.sleep(0.002)
        return None

    async def all_finished(self, tags: Sequence[str], timeout: float) -> bool:
        """Whether every one of the ids finishes within `timeout` seconds."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.read()
            if all(tag in self.finishes for tag in tags):
                return True
            await asyncio.sleep(0.02)
        return False

    def in_order(self, tags: Sequence[str]) -> list[Line]:
        """The finishes of those ids in the order in which the engine ran them."""
        return sorted(
            (self.finishes[tag] for tag in tags if tag in self.finishes),
            key=lambda line: float(line["t_start"]),
        )

    def most_at_once(self, since_boot: int) -> int:
        """The most engines alive at one time since that boot; a killed one ended with its last line."""
        gone = {line["pid"]: line["t"] for line in self.exits}
        for boot in self.boots:
            if boot["pid"] not in gone and not psutil.pid_exists(boot["pid"]):
                gone[boot["pid"]] = self.last[boot["pid"]]
        changes = [(boot["t"], 1, boot["pid"]) for boot in self.boots]
        changes += [(moment, -1, pid) for pid, moment in gone.items()]
        since = self.boots[since_boot]["t"] if len(self.boots) > since_boot else 0
        alive: set[int] = set()
        most = 0
        for moment, change, pid in sorted(changes):
            (alive.add if change > 0 else alive.discard)(pid)
            if moment >= since:
                most = max(most, len(alive))
        return most
