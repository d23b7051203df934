"""Sending what is due to one endpoint, a batch after the other: claim, call, record.

The claim and the record are transactions, the calls are in none. How many deliveries a batch takes depends on how
quickly the last one went: a slow receiver gets one at a time, as many at once as it has senders.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Self

from hypermedia.failpoints import hit
from jobs.notifications.claiming import Batch, Claimed, claim
from jobs.notifications.client import Line
from jobs.notifications.recording import Ended, record
from jobs.notifications.results import Result, attempted, judge
from jobs.notifications.wire import Request

logger = logging.getLogger(__name__)

# No call of a batch but the first begins later than this after the claim. Until then nobody else can send what was
# claimed, and the endpoint is taken as it was.
BATCH_SECONDS = 0.1
MOST_AT_ONCE = 200
# Of a first batch, when nobody knows yet how quick the receiver is. A slow one has all its senders busy all the same,
# since each begins with a small share of what is due.
FIRST_AT_ONCE, FIRST_SHARES = 25, 10
MOST_BYTES = 1 << 20  # of answers that wait to be recorded


class Sender:
    """A context manager: its connection to the receiver lasts as long as it does."""

    def __init__(self, endpoint_id: int) -> None:
        self._endpoint_id = endpoint_id
        self._line = Line()
        self.size, self.shares = FIRST_AT_ONCE, FIRST_SHARES

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def send(self) -> int:
        """Sends what waits longest; how many calls, 0 when nothing is due, or enough are on their way."""
        batch = claim(self._endpoint_id, self.size, shares=self.shares)
        if batch is None:
            return 0
        hit("delivery.claimed")
        calls = list(self.calls(batch))
        record(batch, calls)
        self.size, self.shares = next_size(calls), 1
        for call in calls:
            logger.info("delivery %s: attempt %s, %s", call.claimed.id, call.claimed.epoch, call.result.outcome)
        return len(calls)

    def calls(self, batch: Batch) -> Iterator[Ended]:
        """The calls of the batch, until one fails, or time or memory for it is over."""
        held = 0
        for claimed in batch.deliveries:
            started = batch.now
            outcome = attempted(lambda: self._call(batch, claimed))  # noqa: B023  called at once
            call = Ended(claimed, outcome, started, batch.now)
            hit("delivery.answered")
            yield call
            held += len(call.result.answer.body) if call.result.answer else 0
            if not call.is_delivered or batch.age > BATCH_SECONDS or held > MOST_BYTES:
                return

    def _call(self, batch: Batch, claimed: Claimed) -> Result:
        if isinstance(claimed.headers, Result):
            return claimed.headers
        headers = {**claimed.headers, **batch.authorization}
        return judge(self._line.call(Request(batch.endpoint.http_method, batch.endpoint.url, headers, claimed.body)))


def next_size(calls: list[Ended]) -> int:
    """How many calls like these fit into half of a batch's time; one after a failure."""
    if not calls[-1].is_delivered:
        return 1
    seconds = (calls[-1].ended_at - calls[0].started_at).total_seconds() / len(calls)
    return max(1, min(MOST_AT_ONCE, int(BATCH_SECONDS / 2 / max(seconds, 1e-6))))
