"""SdServerClient: the few HTTP calls the studio makes to its engine, answers never trusted.

Every call gives a value, never an exception: what the engine says is data, and "it said nothing" is part of
it.
"""

import binascii
import json
from dataclasses import dataclass
from typing import Any, Self

import httpx

from studio.engine import EngineFeatures
from studio.sdserver.features import to_features

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
# A cancelled job's owner waits.
CANCEL_SECONDS = 2.0
_SMALL_BODY = 1 << 20
_PICTURE_BODY = 64 << 20


@dataclass(frozen=True)
class NoAnswer:
    """The engine did not answer. `timed_out`: it accepted the connection and stayed silent."""

    reason: str
    timed_out: bool


@dataclass(frozen=True)
class Garbage:
    """The engine answered something that is not its language; `reason` says what."""

    reason: str


@dataclass(frozen=True)
class Accepted:
    """The engine took the job under `job_id`."""

    job_id: str


@dataclass(frozen=True)
class Refused:
    """The engine declined with `status` (HTTP) and its own words, possibly empty."""

    status: int
    message: str


@dataclass(frozen=True)
class Working:
    """The job is queued or generating; `state` is the engine's word."""

    state: str


@dataclass(frozen=True)
class Finished:
    """The job's pictures, in order: raw bytes as the engine encoded them."""

    pictures: tuple[bytes, ...]


@dataclass(frozen=True)
class Failed:
    """The job ended without pictures."""

    message: str


@dataclass(frozen=True)
class Lost:
    """The engine doesn't know the job: it is another engine, or it forgot."""

    status: int


@dataclass(frozen=True)
class _Answer:
    status: int
    body: bytes
    exception: str

    def as_object(self) -> dict[str, Any] | None:
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def message(self) -> str:
        """The engine's own words about a refusal; sometimes only in a header, sometimes nothing."""
        value = self.as_object() or {}
        words = [value.get("error"), value.get("message"), self.exception]
        return ": ".join(word for word in words if isinstance(word, str) and word)

    @property
    def start(self) -> str:
        return self.body[:80].decode("utf-8", "replace").strip() or "nothing"


class SdServerClient:
    """Calls to the engine on 127.0.0.1:`port`, one connection each.

    A connection kept open costs 43 ms per request (Nagle and delayed acknowledgements) and one of its eight
    threads. Environment proxies are ignored. Thread-safe. Close it, or use it as a context.
    """

    def __init__(self, port: int, *, read_seconds: float = READ_SECONDS) -> None:
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Connection": "close", "Accept-Encoding": "identity", "User-Agent": "sdcpp-studio"},
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=0),
            timeout=httpx.Timeout(read_seconds, connect=CONNECT_SECONDS),
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the connections."""
        self._http.close()

    def is_serving(self) -> bool:
        """Whether it answers requests; it does so only after the model is loaded."""
        answer = self._call("GET", "/v1/models")
        return isinstance(answer, _Answer) and answer.status == 200

    def front_page(self) -> str:
        """The page at "/", or "" if there is none."""
        answer = self._call("GET", "/")
        return answer.body.decode("utf-8", "replace") if isinstance(answer, _Answer) else ""

    def features(self) -> EngineFeatures:
        """What it says it can do."""
        answer = self._call("GET", "/sdcpp/v1/capabilities")
        return to_features((answer.as_object() or {}) if isinstance(answer, _Answer) else {})

    def submit(self, body: bytes) -> Accepted | Refused | Garbage | NoAnswer:
        """Hand in a job: `body` is the JSON of a picture request."""
        answer = self._call("POST", "/sdcpp/v1/img_gen", body)
        if not isinstance(answer, _Answer):
            return answer
        if answer.status >= 300 or answer.status < 200:
            return Refused(answer.status, answer.message)
        job_id = (answer.as_object() or {}).get("id")
        if not isinstance(job_id, str) or not job_id.replace("_", "").replace("-", "").isalnum():
            return Garbage(f"it accepted the job without naming it: {answer.start}")
        return Accepted(job_id)

    def cancel(self, job_id: str) -> bool:
        """Ask it to give the job up, which may take it a moment; whether it says that it will."""
        answer = self._call("POST", f"/sdcpp/v1/jobs/{job_id}/cancel", b"", read_seconds=CANCEL_SECONDS)
        return isinstance(answer, _Answer) and 200 <= answer.status < 300

    def job(
        self, job_id: str, expected: int, *, read_seconds: float | None = None
    ) -> Working | Finished | Failed | Lost | Garbage | NoAnswer:
        """How the job is doing. `expected` pictures bound the size of the answer."""
        limit = _SMALL_BODY + expected * _PICTURE_BODY
        answer = self._call("GET", f"/sdcpp/v1/jobs/{job_id}", limit=limit, read_seconds=read_seconds)
        if not isinstance(answer, _Answer):
            return answer
        if answer.status in (404, 410):
            return Lost(answer.status)
        said = answer.as_object()
        if answer.status != 200 or said is None:
            return Garbage(f"HTTP {answer.status} with {answer.start}")
        state = said.get("status")
        if state == "completed":
            return _pictures(said.get("result"))
        if state in ("failed", "cancelled"):
            error = said.get("error")
            message = error.get("message") if isinstance(error, dict) else None
            return Failed(message if isinstance(message, str) else "")
        if state in ("queued", "generating"):
            return Working(state)
        return Garbage(f"a job without a status: {answer.start}")

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        limit: int = _SMALL_BODY,
        read_seconds: float | None = None,
    ) -> _Answer | Garbage | NoAnswer:
        """`read_seconds` None: as long as every call."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        usual = self._http.timeout
        timeout = usual if read_seconds is None else httpx.Timeout(read_seconds, connect=CONNECT_SECONDS)
        try:
            with self._http.stream(method, path, content=body, headers=headers, timeout=timeout) as response:
                received = bytearray()
                for chunk in response.iter_raw():
                    received += chunk
                    if len(received) > limit:
                        return Garbage(f"an answer of more than {limit >> 20} MB")
                return _Answer(
                    response.status_code, bytes(received), response.headers.get("EXCEPTION_WHAT", "")
                )
        except httpx.ReadTimeout:
            return NoAnswer("it does not answer", timed_out=True)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            # RuntimeError: the client was closed by the thread that stopped the engine.
            return NoAnswer(
                f"{type(error).__name__}: {error}", timed_out=isinstance(error, httpx.TimeoutException)
            )


def _pictures(result: object) -> Finished | Garbage:
    images = result.get("images") if isinstance(result, dict) else None
    if not isinstance(images, list) or not images:
        return Garbage("a completed job without pictures")
    found: dict[int, bytes] = {}
    for position, image in enumerate(images):
        text = image.get("b64_json") if isinstance(image, dict) else None
        index = image.get("index", position) if isinstance(image, dict) else position
        # Its number alone tells which one it is: the seeds of our request count from there.
        if type(index) is not int or index not in range(len(images)) or index in found:
            return Garbage(f"picture {position + 1} of {len(images)} has the number {index!r:.20}")
        try:
            found[index] = binascii.a2b_base64(text, strict_mode=True)  # type: ignore[arg-type]
        except (binascii.Error, ValueError, TypeError):
            return Garbage(f"picture {position + 1} of {len(images)} is not base64")
    return Finished(tuple(content for _, content in sorted(found.items())))
