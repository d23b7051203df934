"""Requests a minute: how many one user may make, over all processes of the service.

Each process counts for itself and tells the others now and then, by adding what it counted to a number that they share
in Redis; what it learns there is what it refuses by. So most requests cost a dictionary look-up, and a user can get at
most a fiftieth of the limit more for each further process, never less. Without Redis, or while it is away, each process
refuses by its own count alone.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from hypermedia.errors import TooMany
from hypermedia.readers import Reader

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
_TOLD_TIMES = 50  # a minute, for somebody who uses his limit up
_QUIET_SECONDS = 5.0  # after a failure: a Redis that is away is not asked on every request
_DEADLINE = 0.1


@dataclass
class Count:
    """The requests of one user in this minute: what all processes told, and what this one has not told yet."""

    told: int = 0
    untold: int = 0

    @property
    def sum(self) -> int:
        return self.told + self.untold


_NONE = Count()


class Shared:
    """The numbers that the processes share. Never raises, never takes longer than a moment."""

    def __init__(self, url: str) -> None:
        self._redis: Any = None
        self._quiet_until = 0.0
        if url:
            deadlines = {"socket_timeout": _DEADLINE, "socket_connect_timeout": _DEADLINE}
            self._redis = redis.Redis.from_url(url, **deadlines, retry=None)

    def add(self, key: str, number: int) -> int | None:
        """The sum of all processes, with `number` added; None when there is no such sum to be had."""
        if self._redis is None or time.monotonic() < self._quiet_until:
            return None
        try:
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.incrby(key, number)
            pipeline.expire(key, 2 * WINDOW_SECONDS)
            return int(pipeline.execute()[0])
        except (redis.RedisError, OSError) as error:
            logger.warning("request rates are not shared for now (%s)", type(error).__name__)
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
            return None


class Rates:
    """Counts by user and kind of request. What was granted in the minute before weighs less and less, so that neither
    the turn of a minute doubles a limit, nor a refusal prolongs itself."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, Count] = {}
        self._before: dict[str, Count] = {}

    def take(self, key: str, limit: int) -> int:
        """Grants one request, and counts it; otherwise the seconds to wait, at least 1."""
        minute, elapsed = divmod(time.time(), WINDOW_SECONDS)
        with self._lock:
            self._turn(int(minute))
            count = self._counts.setdefault(key, Count())
            before = self._before.get(key, _NONE).sum
            if wait := seconds_to_wait(before, count.sum, limit, elapsed):
                return wait
            count.untold += 1
            telling = count.untold if count.untold >= max(1, limit // _TOLD_TIMES) else 0
        if telling:
            self._tell(count, f"tallyport-rate-{key}-{int(minute)}", telling)
        return 0

    def _turn(self, minute: int) -> None:
        if minute != self._minute:
            self._before = self._counts if minute == self._minute + 1 else {}
            self._minute, self._counts = minute, {}

    def _tell(self, count: Count, key: str, number: int) -> None:
        total = self._shared.add(key, number)
        if total is not None:
            with self._lock:
                count.told, count.untold = max(count.told, total), count.untold - number


def seconds_to_wait(before: int, now: int, limit: int, elapsed: float) -> int:
    """0 when one more fits beside what was granted in the minute before, of which `elapsed` seconds are over again,
    and in this one."""
    fits = limit - 1 - now  # what may be left of the minute before
    if before * (1 - elapsed / WINDOW_SECONDS) <= fits:
        return 0
    if fits >= 0:
        return max(1, math.ceil(WINDOW_SECONDS * (1 - fits / before) - elapsed))
    return math.ceil(WINDOW_SECONDS - elapsed + WINDOW_SECONDS * (now + 1 - limit) / now)


rates = Rates(Shared(settings.RATES_URL))


class RequestRate(BaseThrottle):
    """REST framework's hook. Following an operation has a limit of its own, so that polling never locks out work."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Raises TooMany."""
        if not isinstance(request.auth, Reader):
            return True
        polls = getattr(view, "polled", False) and request.method in {"GET", "HEAD"}
        limit = settings.POLLS_PER_MINUTE if polls else settings.REQUESTS_PER_MINUTE
        wait = rates.take(f"{request.auth.user_id}-{'polls' if polls else 'requests'}", limit) if limit else 0
        if wait:
            raise TooMany(f"More than {limit} requests in a minute; go on in {wait} seconds.", retry_after=wait)
        return True
