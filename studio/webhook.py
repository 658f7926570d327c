"""Webhook: the address that is told of a job's end: its form, the signature, when it is tried again."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

import httpx

from studio.addresses import Addresses, is_ip, origin
from studio.errors import AddressRefused, InvalidRequest
from studio.job import JobStatus

MAX_ADDRESS = 2000
_NAME = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
# The names of the same events in /api/events.
EVENTS = {
    JobStatus.COMPLETED: "job_completed",
    JobStatus.FAILED: "job_failed",
    JobStatus.CANCELLED: "job_cancelled",
}
# Seconds between one try and the next: a restart, a deployment, a night's maintenance. Then it is given up.
PAUSES = (10.0, 60.0, 300.0, 1800.0, 7200.0)
# Answers that say "later" besides those from 500 on.
_LATER = (408, 425, 429)


class DeliveryState(StrEnum):
    """How far the telling is."""

    PLANNED = "planned"
    """The job is not over yet."""
    WAITING = "waiting"
    """It is over; the receiver was not reached yet."""
    DELIVERED = "delivered"
    """The receiver answered with success. Final."""
    GIVEN_UP = "given_up"
    """The receiver can't be told, for the reason in `error`. Final."""


class Source(StrEnum):
    """Who asked to be told."""

    JOB = "job"
    """The request that made the job."""
    KEY = "key"
    """The key that the request came with."""


@dataclass(frozen=True)
class Delivery:
    """One address that is told of one job's end. Times are seconds since the epoch.

    `origin` is the address without its path and query, which may hold what only the receiver should know.
    """

    source: Source
    origin: str
    state: DeliveryState
    id: str | None = None
    tries: int = 0
    error: str | None = None
    """Why the last try came to nothing."""
    due_at: float | None = None
    """When it is tried next."""
    ended_at: float | None = None


def parsed(address: str) -> httpx.URL:
    """The address, if it looks like one. Errors: InvalidRequest naming `webhook`, and never the address."""
    if not 1 <= len(address) <= MAX_ADDRESS:
        raise InvalidRequest(
            f"has {len(address)} characters; 1 to {MAX_ADDRESS} are allowed", field="webhook"
        )
    if not (address.isascii() and address.isprintable() and " " not in address):
        raise InvalidRequest("must be an address in plain ASCII; escape other letters", field="webhook")
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        raise InvalidRequest("is no address such as https://example.com/hook", field="webhook") from None
    if url.scheme not in ("https", "http") or not (_NAME.fullmatch(url.host) or is_ip(url.host)):
        raise InvalidRequest("is no address such as https://example.com/hook", field="webhook")
    if url.userinfo:
        raise InvalidRequest("must not hold a user name or a password", field="webhook")
    return url


def check_webhook(address: str, addresses: Addresses) -> None:
    """Refuse what will never be told, before its host is looked up. Errors: InvalidRequest for `webhook`."""
    try:
        addresses.check_text(parsed(address))
    except AddressRefused as error:
        raise InvalidRequest(error.message, field="webhook") from None


def origin_of(address: str) -> str:
    """Scheme, host and port: what may be shown of an address."""
    return origin(httpx.URL(address))


def secret_of(root: bytes, owner: str | None) -> str:
    """What the webhooks of this key's jobs are signed with; None: of jobs that belong to no key.

    Each follows from the installation's `root`: nothing is kept for it, and whoever knows theirs can't tell
    another's.
    """
    # No key's name is empty.
    return hmac.new(root, f"webhooks of {owner or ''}".encode(), hashlib.sha256).hexdigest()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The value of X-Studio-Signature. The time is signed too, so that nobody can send it again later."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


def is_worth_another_try(status: int) -> bool:
    """Whether an answer other than success may become one."""
    return status >= 500 or status in _LATER


def pause_after(tries: int) -> float | None:
    """Seconds until the next try, after so many; None: there is none."""
    return PAUSES[tries - 1] if tries <= len(PAUSES) else None
