"""One job inside the engine: handed in, followed, its pictures fetched the moment they are there."""

import json
import logging
import struct
from collections.abc import Sequence
from typing import Any

from studio.clock import Clock
from studio.errors import BadResult, CancelRequested, EngineCrashed, EngineRefused, EngineStalled
from studio.sdserver.cancelling import give_up
from studio.sdserver.client import (
    Accepted,
    Failed,
    Finished,
    Garbage,
    Lost,
    NoAnswer,
    Refused,
    Working,
)
from studio.sdserver.exits import error_text, lack_of_memory
from studio.sdserver.monitor import Monitor
from studio.sdserver.payload import finished_size
from studio.sdserver.pulse import Pulse
from studio.sdserver.server import Server

log = logging.getLogger(__name__)

# The output says when a picture is made, so asking is only for an output that says nothing.
_FALLBACK_SECONDS = 0.25
# The picture is still being compressed when the output says that it is made: 60 ms for 512x512, a second for
# 2048x2048. (age of the hint, pause between two questions), both in seconds.
_AFTER_HINT = ((0.1, 0.002), (1.0, 0.01), (10.0, 0.05))
_EXIT_CODE_SECONDS = 2.0
_STDERR_SECONDS = 0.2
_STRIKES = 3
_PNG_START = b"\x89PNG\r\n\x1a\n"


class _Hint:
    """When the output last said that an engine job is done."""

    def __init__(self, monitor: Monitor, clock: Clock) -> None:
        self._monitor = monitor
        self._clock = clock
        self._seen = monitor.finished
        self._at: float | None = None

    @property
    def is_new(self) -> bool:
        """It said so since the last `take`."""
        return self._monitor.finished > self._seen

    def take(self) -> None:
        """Remember a new one."""
        if self.is_new:
            self._seen = self._monitor.finished
            self._at = self._clock.monotonic()

    def pause(self) -> float:
        """Seconds to the next question."""
        if self._at is None:
            return _FALLBACK_SECONDS
        age = self._clock.monotonic() - self._at
        return next((pause for until, pause in _AFTER_HINT if age < until), _FALLBACK_SECONDS)


class EngineTask:
    """Runs one picture request on a ready server. Used once, by the driver's thread.

    `server.busy` is true exactly while the engine may be working on it.
    """

    def __init__(self, server: Server, clock: Clock, monitor: Monitor, pulse: Pulse) -> None:
        self._server = server
        self._clock = clock
        self._monitor = monitor
        self._pulse = pulse
        self._errors_before = server.child.stderr.count

    def run(self, request: dict[str, Any]) -> list[bytes]:
        """The request's pictures: PNG bytes of its size, `batch_count` of them.

        Errors: EngineCrashed, EngineStalled, OutOfMemory, EngineRefused, BadResult.
        """
        count, size = int(request["batch_count"]), finished_size(request)
        self._server.busy = True
        # Before the job is handed in: it may be done by the time the answer to that is here.
        hint = _Hint(self._monitor, self._clock)
        job_id = self._submit(json.dumps(request).encode("ascii"))
        try:
            pictures = self._follow(job_id, count, hint)
        except CancelRequested:
            self._server.busy = not give_up(self._server, self._clock, job_id, count)
            raise
        self._server.busy = False
        if len(pictures) != count:
            raise BadResult(f"The engine made {len(pictures)} pictures instead of {count}.")
        for picture in pictures:
            _check_size(picture, size)
        return pictures

    def _submit(self, body: bytes) -> str:
        answer = self._pulse.call(lambda: self._server.client.submit(body))
        match answer:
            case Accepted(job_id):
                log.debug("engine %d took %s", self._server.child.pid, job_id)
                self._monitor.sign()
                return job_id
            case Refused(status, message):
                self._server.busy = False
                said = _with_reason(message or f"HTTP {status}", self._complaints())
                raise EngineRefused(f"The engine refused the request: {said}.")
            case Garbage(reason):
                raise BadResult(f"The engine's answer makes no sense: {reason}.")
            case NoAnswer(reason):
                self._raise_if_gone(wait=True)
                # It may have the job or not, so asking again could make the picture twice.
                raise EngineStalled(f"The engine did not take the job: {reason}.")

    def _follow(self, job_id: str, count: int, hint: _Hint) -> list[bytes]:
        last_state, strikes = "", 0
        while True:
            self._pulse.rest(hint.pause(), lambda: hint.is_new or self._is_gone())
            self._raise_if_gone(wait=False)
            hint.take()
            sign_before = self._monitor.last_sign
            answer = self._pulse.call(lambda: self._server.client.job(job_id, count))
            match answer:
                case Finished(pictures):
                    return list(pictures)
                case Working(state):
                    strikes = 0
                    if state != last_state:
                        last_state = state
                        self._monitor.sign()
                case NoAnswer(reason):
                    self._raise_if_gone(wait=True)
                    # Output in the meantime: it is slow to answer, not stuck.
                    strikes = strikes + 1 if self._monitor.last_sign == sign_before else 1
                    if strikes >= _STRIKES:
                        raise EngineStalled(f"The engine stopped answering ({strikes} times: {reason}).")
                case _:
                    self._raise_fault(answer)

    def _raise_fault(self, answer: Failed | Lost | Garbage) -> None:
        match answer:
            case Failed(message):
                self._server.busy = False
                lines = self._complaints()
                raise lack_of_memory(lines) or EngineRefused(
                    f"The engine could not make the picture: {_with_reason(message, lines)}."
                )
            case Lost(status):
                raise EngineCrashed(
                    f"The engine lost the job (HTTP {status}): another one answered, or it started anew."
                )
            case Garbage(reason):
                raise BadResult(f"The engine's answer makes no sense: {reason}.")

    def _is_gone(self) -> bool:
        return self._server.child.returncode is not None

    def _raise_if_gone(self, *, wait: bool) -> None:
        """Errors: EngineCrashed or OutOfMemory, with the reason, if the engine has ended.

        The socket breaks before the exit code is known: with `wait` the reason gets time to arrive.
        """
        if wait:
            self._pulse.rest(_EXIT_CODE_SECONDS, self._is_gone)
        if self._is_gone():
            raise self._server.fault_of_exit()

    def _complaints(self) -> Sequence[str]:
        """What the engine wrote to stderr about this job: it gives reasons nowhere else."""
        stderr = self._server.child.stderr
        self._pulse.rest(_STDERR_SECONDS, lambda: stderr.count > self._errors_before or self._is_gone())
        new = stderr.count - self._errors_before
        return stderr.lines()[-new:] if new > 0 else ()


def _with_reason(message: str, complaints: Sequence[str]) -> str:
    """The engine's answer together with the reason."""
    reason = error_text(complaints) or (complaints[-1].strip() if complaints else None)
    said = message or "no reason given"
    return f"{said} ({reason})" if reason is not None and reason not in said else said


def _check_size(png: bytes, expected: tuple[int, int]) -> None:
    """From the header alone; the whole picture is verified where that does not hold up the engine."""
    if png[:8] != _PNG_START or len(png) < 33 or png[12:16] != b"IHDR":
        raise BadResult("The engine's picture is not a PNG.")
    width, height = struct.unpack(">II", png[16:24])
    if (width, height) != expected:
        raise BadResult(
            f"The engine made a picture of {width}x{height} instead of {expected[0]}x{expected[1]}; "
            "if the model needs another multiple of pixels, set limits.multiple in models.yml."
        )
