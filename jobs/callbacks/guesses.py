"""Against guessing passwords: whoever fails too often, for one name from one address, is not looked at for a while.

Only a password that has to be hashed is counted and refused; one that was verified in the last minute costs nothing
here. Each process counts for itself. A name is locked only for the address that failed, so that nobody can lock out a
user from elsewhere.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

MOST_KEPT = 10_000


@dataclass
class _Failures:
    number: int
    until: float


class Guesses:
    """`most` failures are borne within `seconds` of the first one; then there are no more until these are over."""

    def __init__(self, *, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str | None], _Failures] = OrderedDict()  # the first ones first

    def seconds_to_wait(self, name: str, address: str | None) -> int:
        """0, or how long this name is locked for this address."""
        with self._lock:
            known = self._failures.get((name, address))
            left = known.until - time.monotonic() if known is not None and known.number >= self._most else 0
            return max(0, ceil(left))

    def failed(self, name: str, address: str | None) -> None:
        key, now = (name, address), time.monotonic()
        with self._lock:
            known = self._failures.get(key)
            if known is not None and known.until > now:
                known.number += 1
                return
            self._failures.pop(key, None)
            self._failures[key] = _Failures(1, now + self._seconds)
            if len(self._failures) > MOST_KEPT:
                self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str | None) -> None:
        with self._lock:
            self._failures.pop((name, address), None)

    def forget(self) -> None:
        with self._lock:
            self._failures.clear()
