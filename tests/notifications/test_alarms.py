"""Integrations that fall silent, and how operators hear of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.db.models import F

from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob
from jobs.notifications.alarms import mail_operators, watch_for_silence
from jobs.notifications.models import Alarm, Delivery, NotificationEndpoint, NotificationEvent
from tests.factories import UserFactory
from tests.notifications.conftest import happened, only_delivery, send_all
from tests.notifications.receiver import Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def integration(db: None) -> User:
    return UserFactory.create(username="oic", roles=[Role.INTEGRATION])


@pytest.fixture
def endpoint(
    receiver: Receiver, integration: User, endpoint_at: Callable[..., NotificationEndpoint]
) -> NotificationEndpoint:
    return endpoint_at(receiver.url, name="oic", integration=integration.username, expected_seconds=7200)


def after(minutes: float) -> int:
    """What the sweep finds so long later: the deliveries move into the past."""
    passed = timedelta(minutes=minutes)
    Delivery.objects.update(delivered_at=F("delivered_at") - passed, silence_due_at=F("silence_due_at") - passed)
    return watch_for_silence()


def job() -> IntegrationJob:
    return IntegrationJob.objects.get()


def reported(status: str) -> None:
    IntegrationJob.objects.update(status=status)


def test_no_start_in_fifteen_minutes(endpoint: NotificationEndpoint) -> None:
    happened()
    send_all()
    assert after(14) == 0
    assert not job().flagged
    assert after(2) == 1
    assert job().flagged
    alarm = Alarm.objects.get()
    assert alarm.kind == Alarm.Kind.INTEGRATION_SILENT
    assert alarm.text == f"oic did not report its start of job {job().job_id} within 0:15:00 of the delivery."
    assert alarm.subject == only_delivery().path
    assert after(1) == 0
    assert after(120) == 1
    assert "its end" in Alarm.objects.latest("pk").text
    assert after(10_000) == 0


def test_no_end_in_the_expected_time(endpoint: NotificationEndpoint) -> None:
    happened()
    send_all()
    reported("Started")
    assert after(16) == 0
    assert after(100) == 0
    assert after(10) == 1
    assert "did not report its end" in Alarm.objects.get().text
    assert "within 2:00:00" in Alarm.objects.get().text


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_an_end_is_an_end(endpoint: NotificationEndpoint, status: str) -> None:
    happened()
    send_all()
    reported(status)
    assert after(16) == 0
    assert after(10_000) == 0
    assert not Alarm.objects.exists()


def test_silence_counts_from_the_delivery(endpoint: NotificationEndpoint, receiver: Receiver) -> None:
    receiver.answer = lambda got: (500, {}, b"")
    happened()
    send_all()
    assert after(10_000) == 0


def test_one_mail_for_all(endpoint: NotificationEndpoint, settings: Any) -> None:
    settings.OPERATOR_EMAILS = ["ops@example.com"]
    for _ in range(60):
        happened("Failed")
    assert mail_operators() == 60
    (sent,) = mail.outbox
    assert sent.to == ["ops@example.com"]
    assert sent.subject == "Tallyport: operation failed and 59 more"
    assert "ReadConsumptionBatch failed.\nhttp://localhost:9998/api/generic/readconsumptionbatches/1" in sent.body
    assert "and 10 more" in sent.body
    assert mail_operators() == 0


def test_a_mail_server_that_is_away_is_asked_again(
    endpoint: NotificationEndpoint, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPERATOR_EMAILS = ["ops@example.com"]
    happened("Failed")
    with monkeypatch.context() as away:

        def refuse(*_: Any, **__: Any) -> None:
            raise ConnectionRefusedError

        away.setattr("jobs.notifications.alarms.send_mail", refuse)
        assert mail_operators() == 0
    assert mail_operators() == 1


def test_without_addresses_nothing_is_mailed(endpoint: NotificationEndpoint) -> None:
    happened("Failed")
    assert mail_operators() == 0
    assert Alarm.objects.filter(mailed_at=None).count() == 1


def test_operator_endpoint_hears_of_alarms(
    endpoint: NotificationEndpoint, receiver: Receiver, endpoint_at: Callable[..., NotificationEndpoint]
) -> None:
    operators = endpoint_at(receiver.url, event_types=["IntegrationSilent", "OperationFailed"])
    happened("Failed")
    send_all()
    after(16)
    told = [delivery.event for delivery in operators.deliveries.select_related("event").order_by("pk")]
    assert [event.type for event in told] == ["OperationFailed", "IntegrationSilent"]
    assert '"topic": "Alarm"' in told[1].body
    assert "did not report its start" in told[1].body


def test_alarms_do_not_go_round_in_circles(
    receiver: Receiver, endpoint_at: Callable[..., NotificationEndpoint]
) -> None:
    """An operator endpoint that is gone: the alarm about it is kept, and not sent to it again."""
    endpoint_at(receiver.url, event_types=["OperationFailed", "DeliveryFailed", "EndpointDisabled"])
    receiver.answer = lambda got: (410, {}, b"")
    happened("Failed")
    send_all()
    assert len(receiver.got) == 1
    assert NotificationEvent.objects.count() == 2
    kinds = set(Alarm.objects.values_list("kind", flat=True))
    assert kinds == {"OperationFailed", "DeliveryFailed", "EndpointDisabled"}


def test_no_alarm_work_without_alarms(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1, connection=connection):
        watch_for_silence()
