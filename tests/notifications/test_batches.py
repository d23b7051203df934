"""Several deliveries of one endpoint in one go: what stops a batch, what is given back, and what a kill leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from jobs.notifications import services
from jobs.notifications.claiming import claim
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint
from jobs.notifications.recording import Ended, record
from jobs.notifications.sending import BATCH_SECONDS, MOST_AT_ONCE, Sender, next_size
from jobs.notifications.states import DeliveryStatus, Outcome
from tests.notifications.conftest import happened, send_all
from tests.notifications.receiver import Receiver

pytestmark = pytest.mark.django_db
EVENTS = 10
ENDLESS = 1e9  # for batches that nothing but the test ends


class Killed(BaseException):
    """The worker ends here: nothing catches it."""


@pytest.fixture
def sender(endpoint: NotificationEndpoint) -> Sender:
    """Would send ten at once, and ten have happened."""
    for _ in range(EVENTS):
        happened()
    sender = Sender(endpoint.pk)
    sender.size, sender.shares = EVENTS, 1
    return sender


@pytest.fixture
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a batch has the time that it needs."""
    monkeypatch.setattr("jobs.notifications.sending.BATCH_SECONDS", ENDLESS)


@pytest.fixture
def when_answered(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """`when_answered(3, act)`: what happens after the third call, before the fourth."""

    def arm(number: int, act: Callable[[], None]) -> None:
        passed = Counter[str]()

        def hit(point: str) -> None:
            passed[point] += 1
            if point == "delivery.answered" and passed[point] == number:
                act()

        monkeypatch.setattr("jobs.notifications.sending.hit", hit)

    return arm


def statuses() -> dict[str, int]:
    return dict(Counter(Delivery.objects.values_list("status", flat=True)))


def untouched() -> int:
    """How many deliveries are as if nobody had claimed them."""
    return Delivery.objects.filter(
        status=DeliveryStatus.PENDING, epoch=0, retries=0, lease_expires_at=None, attempts=None
    ).count()


@pytest.mark.usefixtures("no_hurry")
@pytest.mark.parametrize(("due", "first"), [(1, 1), (19, 1), (20, 2), (300, 25)])
def test_a_sender_begins_with_a_share(endpoint: NotificationEndpoint, due: int, first: int) -> None:
    """So a receiver that hangs has all its senders, and a quick one is not sent one by one."""
    for _ in range(due):
        happened()
    with Sender(endpoint.pk) as sender:
        assert sender.send() == first
        assert sender.shares == 1


@pytest.mark.usefixtures("no_hurry")
def test_ten_in_one_go(sender: Sender, receiver: Receiver, django_assert_num_queries: Any) -> None:
    with sender, django_assert_num_queries(10):  # two savepoints; lock, claim, secrets, attempts; lock, record
        assert sender.send() == EVENTS
    assert statuses() == {"DELIVERED": EVENTS}
    stored = [delivery.event.webhook_id for delivery in Delivery.objects.order_by("due_at").select_related("event")]
    assert [got.headers["webhook-id"] for got in receiver.got] == stored, "oldest first"
    attempts = list(
        Attempt.objects.order_by("delivery__due_at").values_list("number", "outcome", "started_at", "ended_at")
    )
    assert {(number, outcome) for number, outcome, _, _ in attempts} == {(1, Outcome.DELIVERED)}
    times = [moment for _, _, started, ended in attempts for moment in (started, ended)]
    assert times == sorted(filter(None, times)), "each call has its own time"
    assert set(Delivery.objects.values_list("epoch", "version", "retries", "lease_expires_at")) == {(1, 3, 0, None)}
    assert not Delivery.objects.exclude(attempts__ended_at=F("delivered_at")).exists()


@pytest.mark.usefixtures("no_hurry")
def test_one_connection_carries_them(sender: Sender, receiver: Receiver) -> None:
    with sender:
        sender.send()
    assert len(receiver.got) == EVENTS
    assert receiver.connections == 1


def test_every_attempt_is_written_before_the_first_call(sender: Sender, endpoint: NotificationEndpoint) -> None:
    batch = claim(endpoint.pk, EVENTS)
    assert batch is not None
    assert statuses() == {"SENDING": EVENTS}
    assert set(Attempt.objects.values_list("number", "outcome", "ended_at")) == {(1, "", None)}
    for attempt in Attempt.objects.select_related("delivery__event"):
        assert attempt.request_headers["webhook-id"] == attempt.delivery.event.webhook_id
        assert (attempt.method, attempt.url) == ("POST", endpoint.url)


def test_a_batch_is_one_call_at_once(sender: Sender, endpoint: NotificationEndpoint, settings: Any) -> None:
    """Two each for four senders: the fifth finds no place, although there is more to send."""
    batches = [claim(endpoint.pk, 2) for _ in range(settings.DELIVERIES_PER_ENDPOINT)]
    assert [len(batch.deliveries) for batch in batches if batch] == [2] * settings.DELIVERIES_PER_ENDPOINT
    assert claim(endpoint.pk, 2) is None
    assert statuses() == {"SENDING": 8, "PENDING": 2}
    with sender:
        for batch in batches[:1]:
            assert batch is not None
            record(batch, list(sender.calls(batch)))
        assert claim(endpoint.pk, 2) is not None


def test_who_fails_gets_one_at_a_time(sender: Sender, endpoint: NotificationEndpoint) -> None:
    NotificationEndpoint.objects.update(failing_since="2026-01-01T00:00:00Z")
    batch = claim(endpoint.pk, EVENTS)
    assert batch is not None
    assert len(batch.deliveries) == 1
    assert claim(endpoint.pk, EVENTS) is None


def test_what_there_was_no_time_for_is_given_back(sender: Sender, receiver: Receiver, monkeypatch: Any) -> None:
    """One call is always made, so that a slow machine gets on too."""
    monkeypatch.setattr("jobs.notifications.sending.BATCH_SECONDS", -1)
    with sender:
        assert sender.send() == 1
        assert (statuses(), untouched()) == ({"DELIVERED": 1, "PENDING": EVENTS - 1}, EVENTS - 1)
        assert sender.size == 1
    send_all()
    assert statuses() == {"DELIVERED": EVENTS}
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}
    assert len({got.headers["webhook-id"] for got in receiver.got}) == len(receiver.got) == EVENTS


@pytest.mark.usefixtures("no_hurry")
def test_large_answers_end_a_batch(sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.notifications.sending.MOST_BYTES", 250)
    receiver.answer = lambda got: (200, {}, b"x" * 100)
    with sender:
        assert sender.send() == 3
    assert untouched() == EVENTS - 3


@pytest.mark.usefixtures("no_hurry")
@pytest.mark.parametrize(("status", "failed"), [(500, "PENDING"), (401, "PENDING"), (410, "FAILED")])
def test_a_failure_ends_the_batch(sender: Sender, receiver: Receiver, status: int, failed: str) -> None:
    """The others know nothing of it; they are sent on their own, or wait for the endpoint to be switched on."""
    receiver.answer = lambda got: (status if len(receiver.got) == 3 else 200, {}, b"")
    with sender:
        assert sender.send() == 3
        assert sender.size == 1
    assert untouched() == EVENTS - 3
    third = Delivery.objects.get(event__webhook_id=receiver.got[2].headers["webhook-id"])
    assert (third.status, third.attempts.get().response_status) == (failed, status)
    assert Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count() == 2
    endpoint = NotificationEndpoint.objects.get()
    assert endpoint.failing_since is not None
    assert endpoint.active == (status != 410)


@pytest.mark.usefixtures("no_hurry")
def test_retry_after_concerns_one_delivery(sender: Sender, receiver: Receiver) -> None:
    receiver.answer = lambda got: (503, {"Retry-After": "3600"}, b"") if len(receiver.got) == 3 else (200, {}, b"")
    send_with(sender)
    assert statuses() == {"DELIVERED": EVENTS - 1, "PENDING": 1}
    late = Delivery.objects.get(status=DeliveryStatus.PENDING)
    assert late.due_at - late.last_updated_date > timedelta(minutes=59)


def send_with(sender: Sender) -> None:
    with sender:
        while sender.send():
            pass


def test_switched_off_in_the_middle(
    sender: Sender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, when_answered: Any
) -> None:
    """It counts as soon as the batch's time is over."""

    def switch_off() -> None:
        NotificationEndpoint.objects.update(active=False)
        monkeypatch.setattr("jobs.notifications.sending.BATCH_SECONDS", -1)

    monkeypatch.setattr("jobs.notifications.sending.BATCH_SECONDS", ENDLESS)
    when_answered(3, switch_off)
    send_with(sender)
    assert len(receiver.got) == 3
    assert (statuses(), untouched()) == ({"DELIVERED": 3, "PENDING": EVENTS - 3}, EVENTS - 3)


def test_moved_in_the_middle(
    sender: Sender, receiver: Receiver, owner: User, monkeypatch: pytest.MonkeyPatch, when_answered: Any
) -> None:
    """Another address and a new secret: the next batch goes there, signed with it, over another connection."""
    with Receiver() as other:

        def move() -> None:
            NotificationEndpoint.objects.update(url=other.url)
            services.rotate_secret(endpoint_id=NotificationEndpoint.objects.get().pk, user_id=owner.pk)
            monkeypatch.setattr("jobs.notifications.sending.BATCH_SECONDS", -1)

        monkeypatch.setattr("jobs.notifications.sending.BATCH_SECONDS", ENDLESS)
        when_answered(3, move)
        send_with(sender)
        assert (len(receiver.got), len(other.got)) == (3, EVENTS - 3)
    assert statuses() == {"DELIVERED": EVENTS}
    assert {got.headers["webhook-signature"].count("v1,") for got in receiver.got} == {1}
    assert {got.headers["webhook-signature"].count("v1,") for got in other.got} == {2}


@pytest.mark.usefixtures("no_hurry")
@pytest.mark.parametrize("point", ["delivery.claimed", "delivery.answered", "delivery.record"])
def test_killed_in_the_middle(sender: Sender, receiver: Receiver, monkeypatch: Any, point: str) -> None:
    """Everything is sent at least once, each time under its own id, and nothing is stuck or left open."""
    passed = Counter[str]()

    def hit(name: str) -> None:
        passed[name] += 1
        if name == point and passed[name] == (4 if name == "delivery.answered" else 1):
            raise Killed

    for module in ("sending", "recording"):
        monkeypatch.setattr(f"jobs.notifications.{module}.hit", hit)
    with pytest.raises(Killed), sender:
        sender.send()
    made = {"delivery.claimed": 0, "delivery.answered": 4, "delivery.record": EVENTS}[point]
    assert (len(receiver.got), statuses()) == (made, {"SENDING": EVENTS})
    assert send_all() == 0, "until the lease is over"
    Delivery.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
    assert send_all() == EVENTS
    assert statuses() == {"DELIVERED": EVENTS}
    times_sent = Counter(got.headers["webhook-id"] for got in receiver.got)
    assert sorted(times_sent.values()) == [1] * (EVENTS - made) + [2] * made
    log = Attempt.objects.order_by("number").values_list("number", "outcome")
    assert Counter(log) == {(1, Outcome.LOST): EVENTS, (2, Outcome.DELIVERED): EVENTS}


@pytest.mark.usefixtures("no_hurry")
def test_who_lost_a_batch_changes_nothing(sender: Sender, endpoint: NotificationEndpoint) -> None:
    """Some of it sent, some of it to be given back; both belong to somebody else by now."""
    slow = claim(endpoint.pk, EVENTS)
    assert slow is not None
    with sender:
        calls = list(sender.calls(replace(slow, deliveries=slow.deliveries[:4])))
    Delivery.objects.update(lease_expires_at="2020-01-01T00:00:00Z")
    other = claim(endpoint.pk, EVENTS)
    assert other is not None
    record(slow, calls)
    assert set(Delivery.objects.values_list("status", "epoch")) == {("SENDING", 2)}
    log = Counter(Attempt.objects.values_list("number", "outcome"))
    assert log == {(1, Outcome.DELIVERED): 4, (1, Outcome.LOST): 6, (2, ""): EVENTS}
    record(other, [])
    assert set(Delivery.objects.values_list("status", "epoch")) == {("PENDING", 1)}
    record(slow, calls)
    assert set(Delivery.objects.values_list("status", "epoch")) == {("PENDING", 1)}


def test_an_unreadable_secret_is_one_attempt(sender: Sender, receiver: Receiver, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ["another"]
    with sender:
        assert sender.send() == 1
    assert Attempt.objects.get().outcome == Outcome.SECRET
    assert (receiver.got, untouched()) == ([], EVENTS - 1)


@pytest.mark.parametrize(
    ("seconds", "size"),
    [(1e-6, MOST_AT_ONCE), (BATCH_SECONDS / 50, 25), (BATCH_SECONDS / 4, 2), (BATCH_SECONDS, 1), (20.0, 1)],
)
def test_the_slower_the_fewer(sender: Sender, endpoint: NotificationEndpoint, seconds: float, size: int) -> None:
    batch = claim(endpoint.pk, 1)
    assert batch is not None
    with sender:
        (call,) = sender.calls(batch)
    each = timedelta(seconds=seconds)
    began = [call.started_at + number * each for number in range(4)]
    calls = [Ended(call.claimed, call.result, moment, moment + each) for moment in began]
    assert next_size(calls) == size


def test_one_ring_for_each_sender(
    endpoint: NotificationEndpoint, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as rings:
        for _ in range(EVENTS):
            happened()
    assert len(rings) == settings.DELIVERIES_PER_ENDPOINT


def test_a_ring_that_is_rolled_back_counts_for_nothing(
    endpoint: NotificationEndpoint, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.DELIVERIES_PER_ENDPOINT = 1
    with django_capture_on_commit_callbacks() as rings:
        with pytest.raises(Killed), transaction.atomic():
            happened()
            raise Killed
        happened()
    assert len(rings) == 1
