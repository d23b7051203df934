"""The console's pages for operators, and what auditors may not do there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from hypermedia.readers import Role
from jobs.notifications.models import Alarm, Delivery, NotificationEndpoint, SigningSecret
from jobs.notifications.retention import forget_old
from tests.factories import UserFactory
from tests.notifications.conftest import happened, only_delivery, send_all
from tests.notifications.receiver import Receiver

pytestmark = pytest.mark.django_db

LISTS = ("notificationendpoint", "notificationevent", "delivery", "alarm")


@pytest.fixture
def console() -> Callable[[Role], Client]:
    def log_in(role: Role) -> Client:
        client = Client()
        user: User = UserFactory.create(roles=[role], is_staff=True)
        client.force_login(user)
        return client

    return log_in


def act(client: Client, model: str, action: str, pk: int, **answers: str) -> str:
    """Chooses the action in the list and confirms it on the page that follows."""
    address = f"/admin/notifications/{model}/"
    asked = client.post(address, {"action": action, "_selected_action": [pk]})
    if asked.status_code != 302 or "/act/" not in asked["Location"]:
        return ""
    return client.post(asked["Location"], answers, follow=True).content.decode()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_pages_open(
    console: Callable[[Role], Client], role: Role, receiver: Receiver, endpoint: NotificationEndpoint
) -> None:
    receiver.answer = lambda got: (410, {}, b"\xff\x00 gone")
    happened("Failed")
    send_all()
    client = console(role)
    for model in LISTS:
        assert client.get(f"/admin/notifications/{model}/").status_code == 200
    page = client.get(f"/admin/notifications/delivery/{only_delivery().pk}/change/").content.decode()
    assert "gone for good (410)" in page
    page = client.get(f"/admin/notifications/notificationendpoint/{endpoint.pk}/change/").content.decode()
    assert "It answered that it is gone" in page
    assert "whsec_" not in page
    assert SigningSecret.objects.get().sealed not in page


def test_operator_acts(console: Callable[[Role], Client], receiver: Receiver, endpoint: NotificationEndpoint) -> None:
    client = console(Role.OPERATOR)
    assert "A test event is on its way" in act(client, "notificationendpoint", "test", endpoint.pk)
    send_all()
    assert "whsec_" in act(client, "notificationendpoint", "rotate", endpoint.pk)
    assert "is on its way again" in act(client, "delivery", "redeliver", only_delivery().pk)
    NotificationEndpoint.objects.update(active=False)
    assert "switched off" in act(client, "notificationendpoint", "test", endpoint.pk)
    assert "was enabled" in act(client, "notificationendpoint", "enable", endpoint.pk)
    send_all()
    assert len(receiver.got) == 2


def test_auditor_does_not(
    console: Callable[[Role], Client], receiver: Receiver, endpoint: NotificationEndpoint
) -> None:
    client = console(Role.AUDITOR)
    act(client, "notificationendpoint", "test", endpoint.pk)
    act(client, "notificationendpoint", "rotate", endpoint.pk)
    assert not Delivery.objects.exists()
    assert SigningSecret.objects.count() == 1


def test_old_events_are_forgotten(receiver: Receiver, endpoint: NotificationEndpoint) -> None:
    delivered, waiting = happened(), happened("Failed")
    send_all()
    Delivery.objects.filter(event=waiting).update(status="PENDING")
    assert forget_old() == 0
    type(delivered).objects.update(creation_date="2020-01-01T00:00:00Z")
    Alarm.objects.update(created_at="2020-01-01T00:00:00Z")
    assert forget_old() == 2
    assert list(Delivery.objects.values_list("event_id", flat=True)) == [waiting.pk]
    assert not Alarm.objects.exists()
