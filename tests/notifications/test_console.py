"""The console's pages for operators, and what auditors may not do there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.test import Client

from audit.models import Entry
from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob
from jobs.notifications import vault
from jobs.notifications.models import Alarm, Delivery, NotificationEndpoint, NotificationEvent, SigningSecret
from jobs.notifications.retention import forget_old
from tests.factories import UserFactory
from tests.notifications.conftest import happened, only_delivery, send_all
from tests.notifications.receiver import Receiver

pytestmark = pytest.mark.django_db

LISTS = ("notificationendpoint", "notificationevent", "delivery", "alarm")
LIST = "/admin/notifications/notificationendpoint/"


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


def answers(receiver: Receiver, **changed: Any) -> dict[str, Any]:
    given = {"name": "claims", "url": receiver.url, "http_method": "POST", "event_types": ["*"], "active": "on"}
    return {**given, "authentication": "none", "expected_seconds": "3600", **changed}


def test_an_endpoint_is_made_and_its_secret_shown_once(console: Callable[[Role], Client], receiver: Receiver) -> None:
    client = console(Role.OPERATOR)
    basic = {"authentication": "basic", "username": "us", "credential": "open sesame", "reason": "asked for by phone"}
    made = client.post(f"{LIST}add/", answers(receiver, event_types=["*.Failed"], **basic))
    assert "no-store" in made["Cache-Control"]
    assert "whsec_" in made.content.decode()
    endpoint = NotificationEndpoint.objects.get()
    assert (endpoint.name, endpoint.event_types) == ("claims", ["*.Failed"])
    assert endpoint.authentication == {"type": "basic", "username": "us"}
    assert vault.unseal(endpoint.sealed_credential) == "open sesame"
    entry = Entry.objects.get(action="endpoint.add")
    assert (entry.subject, entry.detail) == (f"notificationendpoints/{endpoint.pk}", {"reason": "asked for by phone"})
    for path in (f"{LIST}{endpoint.pk}/change/", f"{LIST}{endpoint.pk}/edit/", LIST):
        page = client.get(path).content.decode()
        assert "whsec_" not in page
        assert "open sesame" not in page
        assert endpoint.sealed_credential not in page


def test_what_is_wrong_is_said_as_the_api_says_it(
    console: Callable[[Role], Client], receiver: Receiver, endpoint: NotificationEndpoint
) -> None:
    client = console(Role.OPERATOR)
    wrong = answers(receiver, name=endpoint.name, url="ftp://nowhere", authentication="basic", username="u:s")
    answer = client.post(f"{LIST}add/", wrong)
    assert "HTTP Basic allows no colon here." in answer.context["form"].errors["username"]
    answer = client.post(f"{LIST}add/", {**wrong, "username": "us"})
    assert answer.context["form"].errors["credential"] == ["Give the password."]
    assert answer.context["form"].errors["name"] == [f"There is an endpoint {endpoint.name} already."]
    assert "url" in answer.context["form"].errors
    typed = answers(receiver, name="x", credential="typed before", url="ftp://nowhere", authentication="basic")
    assert "typed before" not in client.post(f"{LIST}add/", typed).content.decode()
    assert NotificationEndpoint.objects.count() == 1


def test_an_endpoint_is_changed_and_keeps_its_password(
    console: Callable[[Role], Client], receiver: Receiver, endpoint_at: Callable[..., NotificationEndpoint]
) -> None:
    basic = {"authentication": {"type": "basic", "username": "us"}, "credential": "open sesame"}
    endpoint = endpoint_at(receiver.url, **basic)
    client = console(Role.OPERATOR)
    page = f"{LIST}{endpoint.pk}/edit/"
    assert f'href="{page}"' in client.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    shown = client.get(page).context["form"].initial
    assert (shown["authentication"], shown["username"]) == ("basic", "us")
    kept = {"authentication": "basic", "username": "us", "version": endpoint.version}
    client.post(page, answers(receiver, name="renamed", **kept))
    endpoint.refresh_from_db()
    assert endpoint.name == "renamed"
    assert vault.unseal(endpoint.sealed_credential) == "open sesame"
    late = client.post(page, answers(receiver, name="too late", **kept))
    assert "was changed meanwhile" in late.content.decode()
    other = client.post(page, answers(receiver, **{**kept, "username": "other", "version": endpoint.version}))
    assert other.context["form"].errors["credential"] == ["Give the password."]
    endpoint.refresh_from_db()
    assert endpoint.name == "renamed"


def test_auditors_make_and_change_no_endpoint(
    console: Callable[[Role], Client], receiver: Receiver, endpoint: NotificationEndpoint
) -> None:
    client = console(Role.AUDITOR)
    for path in (f"{LIST}add/", f"{LIST}{endpoint.pk}/edit/"):
        assert client.get(path).status_code == 403
        assert client.post(path, answers(receiver, name="mine")).status_code == 403
    assert f"{LIST}{endpoint.pk}/edit/" not in client.get(f"{LIST}{endpoint.pk}/change/").content.decode()
    assert NotificationEndpoint.objects.get().name == endpoint.name


def test_what_cannot_be_recorded_does_not_happen(
    console: Callable[[Role], Client], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = console(Role.OPERATOR)
    client.raise_request_exception = False
    page = answers(receiver)

    def full(*_: Any, **__: Any) -> None:
        raise DatabaseError("the trail's disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("jobs.notifications.services.record", full)
        assert client.post(f"{LIST}add/", page).status_code == 500
        assert not NotificationEndpoint.objects.exists()
    client.post(f"{LIST}add/", page)
    endpoint = NotificationEndpoint.objects.get()
    client.post(f"{LIST}{endpoint.pk}/edit/", {**page, "name": "renamed", "version": endpoint.version, "reason": "why"})
    assert list(Entry.objects.filter(action="endpoint.change").values_list("detail", flat=True)) == [{"reason": "why"}]


def test_lists_are_narrowed_and_searched(
    console: Callable[[Role], Client],
    endpoint: NotificationEndpoint,
    endpoint_at: Callable[..., NotificationEndpoint],
    receiver: Receiver,
) -> None:
    client = console(Role.OPERATOR)
    other = endpoint_at(receiver.url, name="other", event_types=["OperationFailed"])
    happened("Completed")
    happened("Failed")
    completed, failed = NotificationEvent.objects.exclude(outcome="").order_by("pk")
    delivery = Delivery.objects.get(event=failed)
    job = IntegrationJob.objects.create(integration=UserFactory.create(roles=[Role.INTEGRATION]))
    Delivery.objects.filter(pk=delivery.pk).update(job=job, status="FAILED")

    def listed(model: str, query: str) -> set[int]:
        answer = client.get(f"/admin/notifications/{model}/?{query}")
        return {row.pk for row in answer.context["cl"].result_list}

    both = set(Delivery.objects.filter(event__in=[completed, failed]).values_list("pk", flat=True))
    assert len(both) == 2
    assert listed("delivery", "status__exact=FAILED") == {delivery.pk}
    assert listed("delivery", f"endpoint__id__exact={endpoint.pk}") == both
    assert listed("delivery", f"endpoint__id__exact={other.pk}").isdisjoint(both)
    assert listed("delivery", f"event_type={failed.type}") == both
    assert listed("delivery", "event_type=Test") == set()
    assert listed("delivery", f"q={failed.webhook_id}") == {delivery.pk}
    assert listed("delivery", f"q={job.job_id}") == {delivery.pk}
    assert listed("delivery", f"q={failed.subject}") > both, "the alarm is about the same operation"
    assert listed("notificationevent", "outcome=Failed") == {failed.pk}
    assert listed("notificationevent", f"type={failed.type}") == {completed.pk, failed.pk}
    assert listed("notificationevent", f"q={completed.webhook_id}") == {completed.pk}
    assert listed("notificationevent", f"q={completed.subject}") > {completed.pk, failed.pk}
    assert listed("delivery", "q=nothing") == listed("notificationevent", "q=nothing") == set()
