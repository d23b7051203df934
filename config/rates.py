"""Requests a minute: how many one user may make, over all processes of the service.

Each process counts for itself and tells the others now and then, by adding what it counted to a number that they share
in Redis; what it learns there is what it refuses by. So most requests cost a dictionary look-up, and a user can get at
most a fiftieth of the limit more for each further process, never less. Without Redis, or while it is away, each process
refuses by its own count alone.
"""

from __future__ import annotations

import logging
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
    """Counts by user and kind of request, minute by minute."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, Count] = {}

    def take(self, key: str, limit: int) -> bool:
        """Counts one request; False when it is one too many in this minute."""
        minute = int(time.time() // WINDOW_SECONDS)
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts.setdefault(key, Count())
            count.untold += 1
            telling = count.untold if count.untold >= max(1, limit // _TOLD_TIMES) else 0
        if telling:
            self._tell(count, f"tallyport-rate-{key}-{minute}", telling)
        return count.told + count.untold <= limit

    def _tell(self, count: Count, key: str, number: int) -> None:
        total = self._shared.add(key, number)
        if total is not None:
            with self._lock:
                count.told, count.untold = max(count.told, total), count.untold - number


rates = Rates(Shared(settings.RATES_URL))


class RequestRate(BaseThrottle):
    """REST framework's hook. Following an operation has a limit of its own, so that polling never locks out work."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Raises TooMany."""
        if not isinstance(request.auth, Reader):
            return True
        polls = getattr(view, "polled", False) and request.method in {"GET", "HEAD"}
        limit = settings.POLLS_PER_MINUTE if polls else settings.REQUESTS_PER_MINUTE
        if limit and not rates.take(f"{request.auth.user_id}-{'polls' if polls else 'requests'}", limit):
            wait = WINDOW_SECONDS - int(time.time()) % WINDOW_SECONDS
            raise TooMany(f"More than {limit} requests in this minute; go on in {wait} seconds.", retry_after=wait)
        return True
