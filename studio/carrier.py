"""Carrier: posts one message to an address that strangers may have named, and tells how it was answered."""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cached_property

import httpx

from studio.addresses import Aim, Pin

# For all of it: a receiver that sends its answer letter by letter holds up nobody for longer.
SECONDS = 10.0


class NotReached(Exception):
    """There was no answer; another try may get one."""


class Carrier:
    """Posts. Stateless; any thread.

    The address is looked at first, the connection goes where was looked, redirects and proxies are not
    followed, and of the answer only its status is read.
    """

    def __init__(self, pin: Pin, *, seconds: float = SECONDS, trusted: ssl.SSLContext | None = None) -> None:
        """`pin` looks at an address; `trusted` replaces the usual certificates."""
        self._pin = pin
        self._seconds = seconds
        self._trusted = trusted

    def post(self, address: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer. Errors: AddressRefused; NotReached."""
        url = httpx.URL(address)
        try:
            aim = Aim.at(url, self._pin(url))
            return asyncio.run(self._post(aim, headers, body))
        except TimeoutError:
            raise NotReached(f"There was no answer within {self._seconds:g} seconds.") from None
        except (httpx.ConnectError, OSError) as error:
            raise NotReached(f"{url.host} can't be reached ({error}).") from None
        except httpx.HTTPError:
            raise NotReached("The connection broke off, or the answer was no HTTP.") from None

    async def _post(self, aim: Aim, headers: Mapping[str, str], body: bytes) -> int:
        async with (
            asyncio.timeout(self._seconds),
            httpx.AsyncClient(timeout=None, trust_env=False, verify=self._certificates) as client,
            client.stream(
                "POST", aim.url, headers={**headers, **aim.headers}, content=body, extensions=aim.extensions
            ) as answer,
        ):
            return answer.status_code

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        # Reading them takes longer than most posts.
        return self._trusted or httpx.create_ssl_context()
