"""Many at once: nothing missing, nothing merged, nobody delayed by somebody slow."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from consumption.models import ReadConsumptionBatch
from hypermedia.readers import Role
from hypermedia.stopping import told
from jobs import registry, services
from jobs.notifications import claiming, tasks
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.recording import record
from jobs.notifications.sending import Sender
from jobs.notifications.states import DeliveryStatus, Outcome
from tests.factories import UserFactory
from tests.jobs.conftest import until
from tests.notifications.conftest import happened
from tests.notifications.receiver import Answer, Got, Receiver

EVENTS = 500
MOMENT = datetime(2024, 1, 1, tzinfo=UTC)
Make = Callable[..., NotificationEndpoint]


@pytest.fixture
def owner(transactional_db: None) -> User:
    registry.store_task_types()
    return UserFactory.create(roles=[Role.OPERATOR])


@pytest.fixture
def pool(transactional_db: None) -> Iterator[ThreadPoolExecutor]:
    """Threads with database connections of their own, closed at the end."""
    with ThreadPoolExecutor(12) as threads:
        yield threads
        together = threading.Barrier(12)

        def close(_: int) -> None:
            together.wait(60)
            connections.close_all()

        list(threads.map(close, range(12)))


@pytest.fixture
def no_deadlines(settings: Any) -> None:
    """However slow the machine is, who hangs hangs until a test lets it go."""
    settings.DELIVERY_READ_SECONDS = settings.DELIVERY_TOTAL_SECONDS = 120.0
    settings.DELIVERY_LEASE_SECONDS = 360.0


@pytest.fixture(autouse=True)
def nobody_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests call the senders themselves."""
    monkeypatch.setattr("jobs.doorbell.publish", lambda send, what: True)


@pytest.mark.slow
def test_five_hundred_ends_at_once(owner: User, endpoint_at: Make, pool: ThreadPoolExecutor) -> None:
    batches = [
        services.start(
            operation=ReadConsumptionBatch(transaction_start=MOMENT, transaction_end=MOMENT), user_id=owner.pk
        )
        for _ in range(EVENTS)
    ]
    with ExitStack() as stack:
        receivers = [stack.enter_context(Receiver()) for _ in range(2)]
        for receiver in receivers:
            endpoint_at(receiver.url)
        list(pool.map(complete, [batch.task_id for batch in batches]))
        endpoints = list(NotificationEndpoint.objects.values_list("pk", flat=True)) * 2
        list(pool.map(drain, endpoints))
    subjects = {f"http://localhost:9998/api/generic/readconsumptionbatches/{batch.pk}" for batch in batches}
    for receiver in receivers:
        assert len(receiver.got) == EVENTS
        assert len({got.headers["webhook-id"] for got in receiver.got}) == EVENTS
        assert {json.loads(got.body)["links"][0]["href"] for got in receiver.got} == subjects
    assert NotificationEvent.objects.count() == EVENTS
    assert Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count() == 2 * EVENTS
    assert Attempt.objects.filter(outcome=Outcome.DELIVERED).count() == 2 * EVENTS


def complete(task_id: int) -> None:
    task = services.claim(task_id=task_id, owner="test", thread_code="test", celery_task_id="")
    assert task is not None
    services.complete(task=task)


def drain(endpoint_id: int) -> int:
    """As a worker does it: until nothing is due, however often others have all places of the endpoint."""
    sent, deadline = 0, time.monotonic() + 60
    while Delivery.objects.due().filter(endpoint=endpoint_id).exists():
        assert time.monotonic() < deadline
        sent += tasks.deliver(endpoint_id=endpoint_id)
    return sent


@pytest.mark.usefixtures("no_deadlines")
def test_a_slow_endpoint_delays_nobody(endpoint_at: Make, pool: ThreadPoolExecutor) -> None:
    """Every thread is offered to the endpoint that hangs; the other one's event still goes out at once."""
    over = threading.Event()

    def hang(_: Got) -> Answer:
        over.wait(120)
        return 200, {}, b""

    with Receiver(hang) as slow, Receiver() as quick:
        hanging = endpoint_at(slow.url)
        for _ in range(20):
            happened()
        busy = [pool.submit(tasks.deliver, endpoint_id=hanging.pk) for _ in range(20)]
        until(lambda: len(slow.got) == 4 and sum(one.done() for one in busy) == 16)
        answering = endpoint_at(quick.url)
        happened()
        assert pool.submit(tasks.deliver, endpoint_id=answering.pk).result(60) == 1
        assert len(slow.got) == 4
        assert sum(not one.done() for one in busy) >= 4, "the slow calls are not over"
        over.set()
        for one in busy:
            one.result(60)


@pytest.mark.usefixtures("no_deadlines")
def test_a_failing_endpoint_gets_one_thread(endpoint_at: Make, pool: ThreadPoolExecutor) -> None:
    over = threading.Event()

    def hang(_: Got) -> Answer:
        over.wait(120)
        return 200, {}, b""

    with Receiver(hang) as slow:
        endpoint = endpoint_at(slow.url)
        NotificationEndpoint.objects.update(failing_since="2026-01-01T00:00:00Z")
        for _ in range(5):
            happened()
        busy = [pool.submit(send_once, endpoint.pk) for _ in range(5)]
        until(lambda: len(slow.got) == 1 and sum(one.done() for one in busy) == 4)
        over.set()
        assert sorted(one.result(60) for one in busy) == [0] * 4 + [1]
        assert len(slow.got) == 1


def send_once(endpoint_id: int) -> int:
    with Sender(endpoint_id) as sender:
        return sender.send()


def test_one_delivery_is_claimed_once(endpoint: NotificationEndpoint, pool: ThreadPoolExecutor) -> None:
    for _ in range(10):
        happened()
        claims = list(pool.map(claiming.claim, [endpoint.pk] * 12))
        claimed = [batch for batch in claims if batch is not None]
        assert len(claimed) == 1
        Delivery.objects.update(status=DeliveryStatus.DELIVERED)


def test_a_worker_that_lost_its_delivery_changes_nothing(endpoint: NotificationEndpoint, owner: User) -> None:
    happened()
    slow = claiming.claim(endpoint.pk)
    assert slow is not None
    Delivery.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
    other = claiming.claim(endpoint.pk)
    assert other is not None
    assert other.deliveries[0].epoch == slow.deliveries[0].epoch + 1
    assert [attempt.outcome for attempt in Attempt.objects.all()] == [Outcome.LOST, ""]
    with Sender(endpoint.pk) as sender:
        record(slow, list(sender.calls(slow)))
        assert Delivery.objects.get().status == DeliveryStatus.SENDING
        record(other, list(sender.calls(other)))
    assert Delivery.objects.get().status == DeliveryStatus.DELIVERED
    assert [attempt.outcome for attempt in Attempt.objects.all()] == [Outcome.DELIVERED] * 2


def test_who_is_told_to_stop_sends_no_more(endpoint: NotificationEndpoint, receiver: Receiver) -> None:
    """The batch on its way is recorded; what is left waits for another keeper."""

    def tell(_: Got) -> Answer:
        told.set()
        return 200, {}, b""

    for _ in range(3):
        happened()
    receiver.answer = tell
    try:
        assert tasks.deliver(endpoint_id=endpoint.pk) == 1
    finally:
        told.clear()
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["DELIVERED", "PENDING", "PENDING"]
    assert Attempt.objects.get().outcome == Outcome.DELIVERED


def test_deliveries_leave_threads_for_the_sweep(
    endpoint: NotificationEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_free", threading.BoundedSemaphore(1))
    happened()
    with tasks._free:
        assert tasks.deliver(endpoint_id=endpoint.pk) == 0
    assert tasks.deliver(endpoint_id=endpoint.pk) == 1
