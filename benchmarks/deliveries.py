"""Deliveries of events: to a receiver that answers at once, and to one that takes its time."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import urllib3
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min

from benchmarks import export, ledgers, servers
from benchmarks.rows import AtLeast, Prepare, Row, Side
from config.embedded import process
from jobs.notifications import outbox, services
from jobs.notifications.models import Attempt, NotificationEndpoint, NotificationEvent
from jobs.notifications.states import Outcome

EVENTS = 500
KEEPER, RECEIVER = 9157, 9158
URL = f"http://127.0.0.1:{RECEIVER}/events"
SLOW = 0.2  # seconds
PATIENCE = 120.0


@contextmanager
def at_once(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Events a second."""
    events = size or EVENTS
    with delivering(0) as endpoint:
        yield lambda: delivered(endpoint, events), lambda: posted(events)


@contextmanager
def slowly(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Events a second, against as many as the calls that may be open at once can carry."""
    events = size or EVENTS
    with delivering(SLOW) as endpoint:
        yield lambda: delivered(endpoint, events), lambda: settings.DELIVERIES_PER_ENDPOINT * posted(10)


@contextmanager
def delivering(seconds: float) -> Iterator[NotificationEndpoint]:
    """An endpoint, its receiver, and a keeper that sends what is due to it."""
    ledgers.use(0)
    NotificationEvent.objects.all().delete()
    NotificationEndpoint.objects.all().delete()
    endpoint, _ = services.create_endpoint(
        user_id=export.owner(), name="receiver", url=URL, authentication={"type": "none"}, event_types=["*"]
    )
    with receiver(seconds), servers.program("keeper", port=KEEPER):
        yield endpoint


@contextmanager
def receiver(seconds: float) -> Iterator[None]:
    running = process.start(
        [sys.executable, "-m", "benchmarks.receiver", str(RECEIVER), str(seconds)],
        log=servers.here().log("receiver"),
        env=dict(os.environ),
        cwd=servers.ROOT,
    )
    try:
        assert process.wait_until(_answers, 10, 0.1), "the receiver does not answer"
        yield
    finally:
        process.kill_group(running)


def _answers() -> bool:
    try:
        return urllib3.PoolManager(retries=False).request("POST", URL, body=b"{}").status == 204
    except urllib3.exceptions.HTTPError:
        return False


def delivered(endpoint: NotificationEndpoint, events: int) -> float:
    """Events a second, from the beginning of the first attempt to the record of the last one's end."""
    NotificationEvent.objects.all().delete()
    attempts = Attempt.objects.filter(outcome=Outcome.DELIVERED)
    with transaction.atomic():
        for number in range(events):
            outbox.operation_ended(
                event_type="ReadConsumptionBatch",
                outcome="Completed",
                links=[("operator:subject", f"generic/readconsumptionbatches/{number}")],
            )
    assert process.wait_until(lambda: attempts.count() == events, PATIENCE, 0.1), "not everything was delivered"
    span: dict[str, datetime] = attempts.aggregate(first=Min("started_at"), last=Max("ended_at"))
    return events / (span["last"] - span["first"]).total_seconds()


def posted(events: int) -> float:
    """Requests a second of one pool of connections in a loop."""
    pool, body = urllib3.PoolManager(), b"{" + b" " * 250 + b"}"
    began = time.perf_counter()
    for _ in range(events):
        answer = pool.request("POST", URL, body=body, headers={"Content-Type": "application/json"})
        assert answer.status == 204
    return events / (time.perf_counter() - began)


def _row(name: str, ours: str, other: str, bar: float, prepare: Prepare) -> Row:
    return Row(name, ours, other, AtLeast(bar), "/s", prepare)


ROWS = [
    _row("deliveries-fast", "500 deliveries, answered at once", "urllib3 pool in a loop", 0.7, at_once),
    _row("deliveries-slow", "500 deliveries, answered after 200 ms", "open requests / latency", 0.5, slowly),
]
