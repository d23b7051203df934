"""When a failed delivery is tried again. The times are those that the Standard Webhooks specification suggests."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER = 0.1  # at most a tenth later, so that what failed together does not come back together
LONGEST_RETRY_AFTER = timedelta(hours=24)


def delay(retries: int, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after a failure when `retries` retries were made already; None when that was the last.

    The receiver's `Retry-After` can only make it longer.
    """
    if retries >= len(DELAYS):
        return None
    planned = DELAYS[retries] * (1 + random.uniform(0, JITTER))  # noqa: S311  not a secret
    return max(planned, retry_after) if retry_after else planned


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """What a `Retry-After` header asks for (seconds or a date), at most a day; None when it says nothing usable."""
    if not value:
        return None
    if value.isascii() and value.strip().isdigit():
        return min(timedelta(seconds=min(int(value[:12]), 10**9)), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(wait, LONGEST_RETRY_AFTER) if wait > timedelta(0) else None
