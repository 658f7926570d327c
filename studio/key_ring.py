"""KeyRing: the keys as the guard of a running studio knows them, at most a second behind the database."""

import logging
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hmac import compare_digest

from studio.caller import HOUSE, Caller, Scope
from studio.clock import Clock
from studio.keys import Keys, digest_of

log = logging.getLogger(__name__)

# The command line may add and revoke keys at any time.
FRESH_SECONDS = 1.0


class KeyRing:
    """Who a key belongs to, and how often they may ask. Thread-safe; owner: assembly."""

    def __init__(
        self, keys: Keys, clock: Clock, *, house_key: str, is_exposed: bool, confines: bool = False
    ) -> None:
        """`house_key` is the one of the settings, or ""; `is_exposed`: without any key nobody may in.

        `confines`: who is no admin sees what is their own.
        """
        self._confines = confines
        self._keys = keys
        self._clock = clock
        self._house_key = house_key.encode()
        self._is_exposed = is_exposed
        self._reading = threading.Lock()
        self._known: Mapping[str, Caller] = {}
        self._read_at = -math.inf
        self._buckets: dict[str, tuple[float, float]] = {}

    @property
    def is_stale(self) -> bool:
        """Whether `refresh` has to be called before anything else is asked."""
        return self._clock.monotonic() - self._read_at >= FRESH_SECONDS

    def refresh(self) -> None:
        """Read the keys, unless somebody did within the last second.

        A database that can't be asked changes nothing about who is let in. Errors: those of the database, the
        first time.
        """
        with self._reading:
            if not self.is_stale:
                return
            # The time before reading: what changes meanwhile may be missed, and is looked for a second later.
            now = self._clock.monotonic()
            try:
                self._known = {key.digest: self._told(key.caller) for key in self._keys.valid()}
            except Exception:
                if self._read_at == -math.inf:
                    raise
                log.exception("the keys could not be read; those known stay valid")
            self._read_at = now

    def _told(self, caller: Caller) -> Caller:
        """The caller, and what they see."""
        return replace(caller, is_confined=self._confines and caller.scope is not Scope.ADMIN)

    @property
    def is_needed(self) -> bool:
        """Whether a request needs a key: as soon as there is any, wherever it comes from."""
        return bool(self._house_key or self._known or self._is_exposed)

    def caller_of(self, offered: Sequence[bytes]) -> Caller | None:
        """Whose key is among these, or None."""
        for offer in offered:
            if self._house_key and compare_digest(offer, self._house_key):
                return HOUSE
            # Looked up by its hash: how long that takes tells nothing about the keys themselves.
            caller = self._known.get(digest_of(offer))
            if caller is not None:
                return caller
        return None

    def wait_of(self, caller: Caller) -> int:
        """0 if the caller may ask now, which counts; else for how many seconds not.

        A minute's worth may come at once; what was used comes back evenly.
        """
        if caller.name is None or caller.per_minute is None:
            return 0
        rate = caller.per_minute / 60
        with self._reading:
            now = self._clock.monotonic()
            left, last = self._buckets.get(caller.name, (float(caller.per_minute), now))
            left = min(float(caller.per_minute), left + (now - last) * rate)
            if left >= 1:
                self._buckets[caller.name] = left - 1, now
                return 0
            self._buckets[caller.name] = left, now
            return max(1, math.ceil((1 - left) / rate))
