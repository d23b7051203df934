"""Receivers, endpoints, and sending what is due without a broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from hypermedia.readers import Role
from jobs.notifications import services
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.outbox import operation_ended
from jobs.notifications.sending import Sender
from tests.factories import UserFactory
from tests.notifications.receiver import Receiver

SUBJECT = ("operator:subject", "generic/readconsumptionbatches/1")


@pytest.fixture
def quick_deadlines(settings: Any) -> None:
    """For receivers that never answer; even these have to be reached in time, on a busy machine too."""
    settings.DELIVERY_CONNECT_SECONDS = 1.0
    settings.DELIVERY_READ_SECONDS = 1.0
    settings.DELIVERY_TOTAL_SECONDS = 2.0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory.create(roles=[Role.OPERATOR])


@pytest.fixture
def endpoint_at(owner: User) -> Callable[..., NotificationEndpoint]:
    """`endpoint_at(url, event_types=[...])`: a new endpoint; its signing secret is its attribute `secret`."""

    def make(url: str, **values: Any) -> NotificationEndpoint:
        given = {
            "name": f"endpoint {NotificationEndpoint.objects.count()}",
            "url": url,
            "authentication": {"type": "none"},
            "event_types": ["*"],
            **values,
        }
        endpoint, secret = services.create_endpoint(user_id=owner.pk, **given)
        endpoint.secret = secret  # type: ignore[attr-defined]
        return endpoint

    return make


@pytest.fixture
def endpoint(receiver: Receiver, endpoint_at: Callable[..., NotificationEndpoint]) -> NotificationEndpoint:
    return endpoint_at(receiver.url)


def happened(outcome: str = "Completed", event_type: str = "ReadConsumptionBatch") -> NotificationEvent:
    return operation_ended(event_type=event_type, outcome=outcome, links=[SUBJECT])


def send_all() -> int:
    """Sends whatever is due, as workers would; how many calls."""
    calls = 0
    for endpoint in NotificationEndpoint.objects.order_by("pk"):
        with Sender(endpoint.pk) as sender:
            while sent := sender.send():
                calls += sent
    return calls


def only_delivery() -> Delivery:
    return Delivery.objects.select_related("event", "job", "endpoint").get()


def only_attempt() -> Attempt:
    return Attempt.objects.get()


def let_time_pass() -> None:
    """Whatever waits is due now."""
    Delivery.objects.update(due_at="2000-01-01T00:00:00Z")
