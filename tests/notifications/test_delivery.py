"""From the event to the recorded answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from jobs.notifications.models import Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.states import DeliveryStatus, Outcome
from tests.notifications.conftest import SUBJECT, happened, let_time_pass, only_attempt, only_delivery, send_all
from tests.notifications.receiver import Answer, Receiver

pytestmark = pytest.mark.django_db


def test_event_is_delivered_and_signed(receiver: Receiver, endpoint: NotificationEndpoint) -> None:
    event = happened()
    assert only_delivery().status == DeliveryStatus.PENDING
    assert send_all() == 1
    (got,) = receiver.got
    assert (got.method, got.path) == ("POST", "/events")
    document = Webhook(endpoint.secret).verify(got.body, got.headers)  # type: ignore[attr-defined]
    assert document == json.loads(event.body)
    assert list(document) == ["type", "topic", "timestamp", "links"]
    assert got.headers["webhook-id"] == event.webhook_id
    assert got.headers["content-type"] == "application/json"
    delivery, attempt = only_delivery(), only_attempt()
    assert (delivery.status, delivery.epoch, delivery.retries) == (DeliveryStatus.DELIVERED, 1, 0)
    assert (attempt.outcome, attempt.response_status, attempt.number) == (Outcome.DELIVERED, 200, 1)
    assert attempt.request_headers["webhook-signature"] == got.headers["webhook-signature"]
    assert attempt.ended_at is not None
    assert send_all() == 0


def test_failure_is_tried_again_under_the_same_id(receiver: Receiver, endpoint: NotificationEndpoint) -> None:
    answers: Iterator[Answer] = iter([(500, {}, b"no"), (200, {}, b"")])
    receiver.answer = lambda got: next(answers)
    happened()
    assert send_all() == 1
    delivery = only_delivery()
    assert (delivery.status, delivery.retries) == (DeliveryStatus.PENDING, 1)
    assert timedelta(seconds=5) <= delivery.due_at - delivery.last_updated_date < timedelta(seconds=6)
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None
    let_time_pass()
    assert send_all() == 1
    first, second = receiver.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [attempt.outcome for attempt in only_delivery().attempts.all()] == [Outcome.STATUS, Outcome.DELIVERED]
    endpoint.refresh_from_db()
    assert endpoint.failing_since is None


def test_gone_disables(receiver: Receiver, endpoint: NotificationEndpoint) -> None:
    receiver.answer = lambda got: (410, {}, b"")
    happened()
    happened()
    assert send_all() == 1
    endpoint.refresh_from_db()
    assert not endpoint.active
    assert "410" in endpoint.disabled_reason
    assert list(Delivery.objects.order_by("pk").values_list("status", flat=True)) == ["FAILED", "PENDING"]
    happened()
    assert Delivery.objects.count() == 2
    assert list(NotificationEvent.objects.values_list("type", "subject")) == [("ReadConsumptionBatch", SUBJECT[1])] * 3


def test_subscriptions_decide(receiver: Receiver, endpoint_at: Callable[..., NotificationEndpoint]) -> None:
    failures = endpoint_at(receiver.url, event_types=["*.Failed"])
    exports = endpoint_at(receiver.url, event_types=["ReadConsumptionBatch"])
    happened("Completed")
    happened("Failed")
    assert failures.deliveries.count() == 1
    assert exports.deliveries.count() == 2


def test_an_error_of_ours_is_an_attempt_too(
    receiver: Receiver, endpoint: NotificationEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("jobs.notifications.client.Line.call", fail)
    happened()
    assert send_all() == 1
    assert only_attempt().outcome == Outcome.UNEXPECTED
    assert "ZeroDivisionError" in only_attempt().reason
    assert (only_delivery().status, only_delivery().retries) == (DeliveryStatus.PENDING, 1)
