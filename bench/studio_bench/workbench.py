"""What all measures share: the studio, its engine's log, and ways to ask for pictures."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from studio_bench.client import Connection
from studio_bench.engine_log import EngineLog
from studio_bench.figures import Figures
from studio_bench.options import Options
from studio_bench.processes import StudioProcesses, pid_on_port

FINAL = frozenset({"completed", "failed", "cancelled", "canceled"})
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

Asked = tuple[str, dict[str, Any]]
"""A picture to ask for: the id in its prompt, which the engine's log repeats, and the request's body."""


class Posted(NamedTuple):
    """An answered POST; times are monotonic seconds."""

    sent: float
    answered: float
    body: dict[str, Any]


class Watched(NamedTuple):
    """A job followed to its end: when that was seen (None: not in time), and the progress values."""

    seen: float | None
    job: dict[str, Any]
    progress: list[float]


@dataclass
class Submits:
    """Many queued jobs: job ids by tag, the latency of each POST and how often each status came."""

    begin: float
    job_ids: dict[str, str] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    wall: float = 0.0


@dataclass
class Load:
    """Many reads: latencies, bytes, seconds of wall and of the studio's CPU.

    `client_busy` is the benchmark's own share of one CPU: near 1, the client is the limit.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    size: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    client_busy: float = 0.0


class Workbench:
    """One run. `direct` holds the figures without a studio; `images` the ids of pictures made so far."""

    def __init__(self, options: Options, http: httpx.AsyncClient) -> None:
        base = urlsplit(options.base)
        if base.hostname not in _LOOPBACK or base.port is None:
            sys.exit(f"--base: only a loopback address with a port, not {options.base}")
        self.options, self.http = options, http
        self.host, self.port, self.prefix = base.hostname, base.port, base.path.rstrip("/")
        self.log = EngineLog(options.engine_log)
        self.log.read()
        self.pid = options.pid or pid_on_port(self.port)
        self.processes = StudioProcesses(self.pid, self.log)
        self.direct: Figures = {}
        self.images: list[str] = []
        self._run = f"{random.SystemRandom().getrandbits(24):x}"
        self._chance = random.Random(12345)
        self._asked = 0
        self._headers = f"X-Api-Key: {options.api_key}\r\n" if options.api_key else ""

    def samples(self, full: int, least: int = 2) -> int:
        """How many samples to take: `full`, or a third of it in a quick run."""
        return max(least, round(full / 3)) if self.options.quick else max(least, full)

    def seconds(self, full: float, least_share: float) -> float:
        """How long to measure: `full` seconds, or a smaller share of it in a quick run."""
        return full * max(1 / 3, least_share) if self.options.quick else full

    def pauses(self, count: int) -> list[float]:
        """Pauses that cover 0..2 s evenly, in random order: arrivals at every phase of a studio's polling."""
        pauses = [2.0 * (index + self._chance.random()) / count for index in range(count)]
        self._chance.shuffle(pauses)
        return pauses

    def connection(self, more_headers: str = "") -> Connection:
        """A new connection to the studio."""
        return Connection(self.host, self.port, self._headers + more_headers)

    def picture(self, latency: float, model: int = 0) -> Asked:
        """A picture to ask for that takes the engine `latency` milliseconds."""
        self._asked += 1
        tag = f"{self._run}-{self._asked}"
        return tag, {
            "prompt": f"bench picture {self._asked} [[stub id={tag} lat={latency:g}]]",
            "model": self.options.models[model],
            "size": "512x512",
            "n": 1,
            "seed": 1000 + self._asked,
        }

    async def post(self, path: str, body: dict[str, Any]) -> Posted:
        """The answer to a POST. Errors: RuntimeError if the studio refuses it."""
        sent = time.monotonic()
        answer = await self.http.post(self.options.base + path, json=body)
        answered = time.monotonic()
        if answer.status_code >= 300:
            raise RuntimeError(f"POST {path} -> {answer.status_code} {answer.text[:200]}")
        return Posted(sent, answered, answer.json())

    async def job(self, job_id: str) -> dict[str, Any]:
        """The job as the studio shows it; only a `status` naming the HTTP status if it doesn't."""
        answer = await self.http.get(f"{self.options.base}/queue/{job_id}")
        if answer.status_code != 200:
            return {"status": f"http {answer.status_code}"}
        job: dict[str, Any] = answer.json()
        return job

    async def watch(self, job_id: str, timeout: float, every: float = 0.005) -> Watched:
        """Poll the job `every` seconds until it is final, or for `timeout` seconds."""
        end = time.monotonic() + timeout
        progress: list[float] = []
        while True:
            job = await self.job(job_id)
            now = time.monotonic()
            value = job.get("progress")
            if job.get("status") in FINAL:
                return Watched(now, job, progress)
            if value and (not progress or progress[-1] != value):
                progress.append(value)
            if now > end:
                return Watched(None, job, progress)
            await asyncio.sleep(every)

    async def submit(self, pictures: Sequence[Asked], connections: int) -> Submits:
        """Queue all the pictures over several connections at once."""
        waiting = list(reversed(pictures))
        submits = Submits(begin=time.monotonic())

        async def send(connection: Connection) -> None:
            while waiting:
                tag, body = waiting.pop()
                sent = time.monotonic()
                answer = await connection.request(
                    "POST", self.prefix + "/queue/generate", json.dumps(body).encode(), keep=True
                )
                submits.latencies.append(time.monotonic() - sent)
                submits.statuses[answer.status] = submits.statuses.get(answer.status, 0) + 1
                if answer.status < 300:
                    submits.job_ids[tag] = json.loads(answer.body or b"")["job_id"]
            connection.close()

        await asyncio.gather(*(send(self.connection()) for _ in range(connections)))
        submits.wall = time.monotonic() - submits.begin
        return submits

    async def read(self, paths: Sequence[str], connections: int, seconds: float) -> Load:
        """GET the paths in turn over several connections for some seconds."""
        load, turn = Load(), iter(range(sys.maxsize))
        begin, cpu, own = time.monotonic(), self.processes.cpu_seconds(), time.process_time()
        end = time.monotonic() + seconds

        async def get(connection: Connection) -> None:
            while time.monotonic() < end:
                path = paths[next(turn) % len(paths)]
                sent = time.monotonic()
                answer = await connection.request("GET", self.prefix + path)
                load.latencies.append(time.monotonic() - sent)
                load.statuses[answer.status] = load.statuses.get(answer.status, 0) + 1
                load.size += answer.size
            connection.close()

        await asyncio.gather(*(get(self.connection()) for _ in range(connections)))
        load.wall = time.monotonic() - begin
        load.cpu = self.processes.cpu_seconds() - cpu
        load.client_busy = round((time.process_time() - own) / load.wall, 2)
        return load

    async def cancel_all(self, job_ids: Sequence[str], connections: int = 8) -> tuple[int, float]:
        """Cancel what a bounded measure left in the queue and wait for quiet: (accepted, seconds taken)."""
        waiting, accepted = list(job_ids), 0

        async def cancel(connection: Connection) -> None:
            nonlocal accepted
            while waiting:
                answer = await connection.request("DELETE", f"{self.prefix}/queue/{waiting.pop()}")
                accepted += answer.status < 300
            connection.close()

        begin = time.monotonic()
        await asyncio.gather(*(cancel(self.connection()) for _ in range(connections)))
        taken = time.monotonic() - begin
        await self.quiet()
        return accepted, taken

    async def quiet(self, timeout: float = 8) -> bool:
        """Wait until neither the queue nor the engine has work; False if that takes too long."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if not self.log.running():
                answer = await self.http.get(self.options.base + "/queue/stats")
                stats = answer.json() if answer.status_code == 200 else {}
                if not stats.get("pending") and not stats.get("processing"):
                    return True
            await asyncio.sleep(0.05)
        return False
