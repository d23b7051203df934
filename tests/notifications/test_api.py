"""Endpoints, events and deliveries over HTTP: operators change, auditors read, nobody else comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hypermedia.readers import Role
from jobs.notifications import vault
from jobs.notifications.checks import delivery_settings
from jobs.notifications.models import Delivery, NotificationEndpoint, SigningSecret
from tests.conftest import ApiClient, rel, rels
from tests.factories import UserFactory
from tests.notifications.conftest import happened, let_time_pass, only_delivery, send_all
from tests.notifications.receiver import Receiver

pytestmark = pytest.mark.django_db

ENDPOINTS, EVENTS, DELIVERIES = "/api/notificationendpoints", "/api/notificationevents", "/api/notificationdeliveries"


def given(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"name": "claims", "url": receiver.url, **more}


def codes(answer: Any) -> list[str]:
    return sorted(message["code"] for message in answer.json()["resultMessages"]["resultMessage"])


def test_created_endpoint_shows_its_secret_once(operator: ApiClient, receiver: Receiver) -> None:
    answer = operator.post(ENDPOINTS, given(receiver))
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    document = answer.json()
    assert document.pop("signingSecret").startswith("whsec_")
    assert answer["Location"] == rel(document, "self")
    read = operator.get(answer["Location"])
    assert read.json() == document
    assert document["authentication"] == {"type": "none"}
    assert (document["httpMethod"], document["eventTypes"], document["active"]) == ("POST", ["*"], True)
    assert document["expectedSeconds"] == 86400
    assert rels(document) == ["self", "edit", "operator:test", "operator:rotate", "operator:recover"]
    assert "ETag" in read


def test_secrets_are_sealed_at_rest(operator: ApiClient, receiver: Receiver) -> None:
    authentication = {"type": "basic", "username": "us", "password": "open sesame"}
    document = operator.post(ENDPOINTS, given(receiver, authentication=authentication)).json()
    stored = NotificationEndpoint.objects.get()
    sealed = SigningSecret.objects.get().sealed
    assert document["signingSecret"] not in sealed
    assert vault.unseal(sealed) == document["signingSecret"]
    assert "sesame" not in stored.sealed_credential + json.dumps(stored.authentication) + json.dumps(document)
    assert vault.unseal(stored.sealed_credential) == "open sesame"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"url": "http://169.254.169.254/"}, "NOT-IP-002"),
        ({"url": "http://user@127.0.0.1/"}, "NOT-IP-002"),
        ({"url": "ftp://127.0.0.1/"}, "NOT-IP-002"),
        ({"url": "http://10.0.0.1/"}, "NOT-IP-002"),
        ({"eventTypes": ["ReadConsumptionBatch.Started"]}, "NOT-IP-003"),
        ({"eventTypes": ["Test"]}, "NOT-IP-003"),
        ({"eventTypes": []}, "GEN-IP-011"),
        ({"httpMethod": "DELETE"}, "GEN-IP-013"),
        ({"active": "yes"}, "GEN-IP-015"),
        ({"active": 1}, "GEN-IP-015"),
        ({"expectedSeconds": "60"}, "GEN-IP-015"),
        ({"expectedSeconds": True}, "GEN-IP-015"),
        ({"expectedSeconds": 60.5}, "GEN-IP-015"),
        ({"expectedSeconds": 0}, "GEN-IP-015"),
        ({"colour": "red"}, "GEN-IP-012"),
        ({"integrationUser": "nobody"}, "JOB-IP-001"),
        ({"authentication": {"type": "basic", "username": "u"}}, "GEN-IP-010"),
        ({"authentication": {"type": "basic", "password": "p"}}, "GEN-IP-010"),
        ({"authentication": {"type": "none", "password": "p"}}, "GEN-IP-012"),
        ({"authentication": {"type": "kerberos"}}, "GEN-IP-013"),
        (
            {
                "authentication": {
                    "type": "oauth2",
                    "tokenUrl": "http://169.254.169.254/",
                    "clientId": "c",
                    "clientSecret": "s",
                }
            },
            "NOT-IP-002",
        ),
    ],
)
def test_rules(operator: ApiClient, receiver: Receiver, more: dict[str, Any], code: str) -> None:
    answer = operator.post(ENDPOINTS, given(receiver) | more)
    assert (answer.status_code, codes(answer)) == (422, [code])
    assert not NotificationEndpoint.objects.exists()


def test_names_are_unique(operator: ApiClient, receiver: Receiver) -> None:
    operator.post(ENDPOINTS, given(receiver))
    assert codes(operator.post(ENDPOINTS, given(receiver))) == ["NOT-IP-001"]


def test_change_keeps_the_password_only_for_the_same_account(operator: ApiClient, receiver: Receiver) -> None:
    account = {"type": "basic", "username": "us"}
    created = operator.post(ENDPOINTS, given(receiver, authentication=account | {"password": "p"}))
    address = created["Location"]
    answer = operator.request("PUT", address, given(receiver, name="new", authentication=account))
    assert (answer.status_code, answer.json()["name"], answer.json()["objectVersionNumber"]) == (200, "new", 2)
    other = {"type": "basic", "username": "them"}
    assert codes(operator.request("PUT", address, given(receiver, authentication=other))) == ["GEN-IP-010"]
    elsewhere = given(receiver, authentication=account, url="http://127.0.0.1:9/")
    assert codes(operator.request("PUT", address, elsewhere)) == ["GEN-IP-010"]
    stale = operator.request("PUT", address, given(receiver), If_Match='"1-x"')
    assert stale.status_code == 412


def test_rotation_overlaps(operator: ApiClient, receiver: Receiver) -> None:
    first = operator.post(ENDPOINTS, given(receiver)).json()
    answer = operator.post(str(rel(first, "operator:rotate")))
    assert answer.status_code == 201
    second = answer.json()
    assert second["signingSecret"] != first["signingSecret"]
    happened()
    send_all()
    assert len(receiver.got[0].headers["webhook-signature"].split()) == 2
    operator.post(str(rel(first, "operator:rotate")), {"overlapSeconds": 0})
    assert SigningSecret.objects.count() == 1
    assert codes(operator.post(str(rel(first, "operator:rotate")), {"overlapSeconds": 9**9})) == ["NOT-IP-006"]


def test_test_event(operator: ApiClient, receiver: Receiver) -> None:
    document = operator.post(ENDPOINTS, given(receiver, eventTypes=["DeliveryFailed"])).json()
    answer = operator.post(str(rel(document, "operator:test")))
    assert (answer.status_code, answer.content) == (201, b"")
    assert send_all() == 1
    assert json.loads(receiver.got[0].body)["type"] == "Test"
    delivery = operator.get(answer["Location"]).json()
    assert (delivery["status"], delivery["attemptCount"]) == ("DELIVERED", 1)


def test_delivery_and_its_attempts(operator: ApiClient, auditor: ApiClient, receiver: Receiver) -> None:
    receiver.answer = lambda got: (503, {"X-Reason": "nap"}, b"later")
    operator.post(ENDPOINTS, given(receiver, authentication={"type": "basic", "username": "u", "password": "secret"}))
    event = happened()
    send_all()
    (delivery,) = auditor.get(DELIVERIES).json()["items"]
    assert delivery["webhookId"] == event.webhook_id
    assert (delivery["status"], delivery["eventType"]) == ("PENDING", "ReadConsumptionBatch")
    assert "nextAttempt" in delivery
    assert rels(delivery) == ["self", "event", "endpoint", "attempts"]
    (attempt,) = auditor.get(str(rel(delivery, "attempts"))).json()["items"]
    assert attempt["outcome"] == "status"
    assert attempt["response"]["status"] == 503
    assert {"name": "X-Reason", "value": "nap"} in attempt["response"]["headers"]
    assert attempt["response"]["body"] == "later"
    assert json.loads(attempt["request"]["body"])["type"] == "ReadConsumptionBatch"
    assert attempt["request"]["headers"]["Authorization"] == "***"
    assert receiver.got[0].headers["authorization"] == "Basic dTpzZWNyZXQ="
    for name in ("event", "endpoint"):
        assert auditor.get(str(rel(delivery, name))).status_code == 200
    assert auditor.get(EVENTS).json()["items"][0]["body"]["topic"] == "Notification"


def test_redelivery_keeps_the_id(operator: ApiClient, receiver: Receiver) -> None:
    operator.post(ENDPOINTS, given(receiver))
    happened()
    send_all()
    (delivery,) = operator.get(DELIVERIES).json()["items"]
    answer = operator.post(str(rel(delivery, "operator:redeliver")))
    assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
    send_all()
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert len(receiver.got) == 2
    Delivery.objects.update(status="SENDING")
    assert operator.post(str(rel(delivery, "operator:redeliver"))).status_code == 409


def test_recover_sends_what_was_missed(operator: ApiClient, receiver: Receiver) -> None:
    receiver.answer = lambda got: (410, {}, b"")
    document = operator.post(ENDPOINTS, given(receiver)).json()
    first = happened()
    send_all()
    second = happened()
    receiver.answer = lambda got: (200, {}, b"")
    off = operator.get(str(rel(document, "self"))).json()
    assert (off["active"], off["disabledReason"]) == (False, "It answered that it is gone (410).")
    assert operator.post(str(rel(document, "operator:test"))).status_code == 409
    assert operator.post(str(rel(off, "operator:enable"))).json()["active"]
    body = {"since": {"value": "2020-01-01T00:00:00Z"}}
    answer = operator.post(str(rel(off, "operator:recover")), body)
    assert answer.json() == {"type": "notificationRecovery", "sentAgain": 1, "newlySent": 1, "hasMore": False}
    receiver.got.clear()
    assert send_all() == 2
    assert {got.headers["webhook-id"] for got in receiver.got} == {first.webhook_id, second.webhook_id}
    assert operator.post(str(rel(off, "operator:recover")), body).json()["newlySent"] == 0


def test_five_days_of_failure_switch_off(operator: ApiClient, receiver: Receiver) -> None:
    receiver.answer = lambda got: (500, {}, b"")
    operator.post(ENDPOINTS, given(receiver))
    happened()
    NotificationEndpoint.objects.update(failing_since="2020-01-01T00:00:00Z")
    send_all()
    endpoint = NotificationEndpoint.objects.get()
    assert (endpoint.active, endpoint.disabled_reason) == (False, "It failed for five days.")


def test_ten_failures_give_up(operator: ApiClient, receiver: Receiver) -> None:
    receiver.answer = lambda got: (500, {}, b"")
    operator.post(ENDPOINTS, given(receiver))
    happened()
    for calls in range(1, 11):
        let_time_pass()
        assert send_all() == 1
        assert len(receiver.got) == calls
    assert only_delivery().status == "FAILED"
    let_time_pass()
    assert send_all() == 0


ROUTES = [
    ("GET", ENDPOINTS),
    ("POST", ENDPOINTS),
    ("POST", f"{ENDPOINTS}/search"),
    ("POST", f"{EVENTS}/search"),
    ("POST", f"{DELIVERIES}/search"),
    ("GET", f"{ENDPOINTS}/1"),
    ("PUT", f"{ENDPOINTS}/1"),
    ("POST", f"{ENDPOINTS}/1/test"),
    ("POST", f"{ENDPOINTS}/1/rotate"),
    ("POST", f"{ENDPOINTS}/1/enable"),
    ("POST", f"{ENDPOINTS}/1/recover"),
    ("GET", EVENTS),
    ("GET", f"{EVENTS}/1"),
    ("GET", DELIVERIES),
    ("GET", f"{DELIVERIES}/1"),
    ("GET", f"{DELIVERIES}/1/attempts"),
    ("POST", f"{DELIVERIES}/1/redeliver"),
    ("GET", "/api/outboundintegrationpoints"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_roles(client_of: Callable[..., ApiClient], method: str, path: str) -> None:
    for role in (Role.CLIENT, Role.INTEGRATION):
        assert client_of(role).request(method, path, {}).status_code == 403
    auditor = client_of(Role.AUDITOR).request(method, path).status_code
    reads = method == "GET" or path.endswith("/search")
    assert auditor in {200, 400, 404} if reads else auditor == 403
    assert client_of(Role.OPERATOR).request(method, path).status_code in {200, 400, 404}
    assert ApiClient(None).request(method, path).status_code == 401


def test_auditor_sees_no_action(operator: ApiClient, auditor: ApiClient, receiver: Receiver) -> None:
    address = operator.post(ENDPOINTS, given(receiver))["Location"]
    assert rels(auditor.get(address).json()) == ["self"]


def test_pages(operator: ApiClient, receiver: Receiver) -> None:
    operator.post(ENDPOINTS, given(receiver))
    events = [happened() for _ in range(5)]
    seen: list[str] = []
    address: str | None = f"{EVENTS}?limit=2"
    while address:
        answer = operator.get(address).json()
        seen += [item["webhookId"] for item in answer["items"]]
        address = rel(answer, "next")
    assert seen == [event.webhook_id for event in events]
    for query in ("limit=0", "limit=201", "limit=-1", "limit=x", "offset=-1", "offset=10001"):
        assert operator.get(f"{EVENTS}?{query}").status_code == 422, query
    beyond = operator.get(f"{EVENTS}?offset=100").json()
    assert (beyond["items"], beyond["count"], beyond["hasMore"]) == ([], "0", False)


def test_outbound_integration_points(auditor: ApiClient, operator: ApiClient, receiver: Receiver) -> None:
    assert auditor.get("/api/outboundintegrationpoints").json() == {"items": []}
    operator.post(ENDPOINTS, given(receiver, eventTypes=["ReadConsumptionBatch.Failed", "EndpointDisabled"]))
    (export, alarm) = auditor.get("/api/outboundintegrationpoints").json()["items"]
    assert (export["name"], alarm["name"]) == ("ReadConsumptionBatch", "EndpointDisabled")
    assert export["endpoints"] == [
        {
            "useCase": "claims",
            "authenticationFeature": "None",
            "HTTPMethod": "POST",
            "messageMediaType": "application/json",
            "destinationURL": receiver.url,
        }
    ]


def test_put_endpoint_gets_put(operator: ApiClient, receiver: Receiver) -> None:
    operator.post(ENDPOINTS, given(receiver, httpMethod="PUT"))
    happened()
    send_all()
    assert receiver.got[0].method == "PUT"


def test_integration_gets_a_job(operator: ApiClient, receiver: Receiver) -> None:
    integration = UserFactory.create(roles=[Role.INTEGRATION])
    document = operator.post(ENDPOINTS, given(receiver, integrationUser=integration.username)).json()
    assert document["integrationUser"] == integration.username
    happened()
    job_id = only_delivery().job.job_id  # type: ignore[union-attr]
    assert len(job_id) == 15
    receiver.answer = lambda got: (500, {}, b"")
    send_all()
    let_time_pass()
    send_all()
    assert [json.loads(got.body)["jobId"] for got in receiver.got] == [job_id, job_id]
    assert list(json.loads(receiver.got[0].body)) == ["type", "topic", "timestamp", "links", "jobId"]
    assert operator.get(DELIVERIES).json()["items"][0]["jobId"] == job_id
    integration.groups.clear()
    happened()
    assert Delivery.objects.latest("pk").status == "FAILED"


def test_search(operator: ApiClient, receiver: Receiver) -> None:
    operator.post(ENDPOINTS, given(receiver))
    first, _ = happened(), happened("Failed")
    send_all()
    subject = "http://localhost:9998/api/generic/readconsumptionbatches/1"
    for q, count in (
        (f"webhookId.eq('{first.webhook_id}')", 1),
        (f"subject.eq('{subject}').and.status.eq('DELIVERED')", 2),
        ("endpoint.id.eq(0)", 0),
    ):
        body = {"resource": {"q": q, "orderBy": "id:desc", "totalResults": True}}
        found = operator.post(f"{DELIVERIES}/search", body).json()
        assert (len(found["items"]), found["totalResults"]) == (count, str(count))
    bad = {"resource": {"q": "subject.eq('http://elsewhere.example/api/x')"}}
    assert operator.post(f"{DELIVERIES}/search", bad).status_code == 422
    assert len(operator.get(f"{EVENTS}?q=outcome.eq('Failed')").json()["items"]) == 1
    (delivery, _) = operator.get(DELIVERIES).json()["items"]
    attempts = str(rel(delivery, "attempts"))
    assert len(operator.get(f"{attempts}?q=outcome.eq('delivered')").json()["items"]) == 1


def test_two_take_a_name_at_once(operator: ApiClient, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule saw the name free, and then it was not."""
    operator.post(ENDPOINTS, given(receiver))
    monkeypatch.setattr("jobs.notifications.services._name_rule", lambda endpoint: [])
    assert codes(operator.post(ENDPOINTS, given(receiver))) == ["NOT-IP-001"]


def test_broken_address_on_change(operator: ApiClient, receiver: Receiver) -> None:
    address = operator.post(ENDPOINTS, given(receiver))["Location"]
    for url in ("https://[::1", "", "\u0000", "http://a:b:c/"):
        assert operator.request("PUT", address, given(receiver) | {"url": url}).status_code in {400, 422}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DELIVERY_LEASE_SECONDS", 2.0, "notifications.E001"),
        ("DELIVERY_ALLOWED_NETWORKS", ["10.0.0.1/8"], "notifications.E002"),
        ("ENCRYPTION_KEYS", [""], "notifications.E003"),
    ],
)
def test_settings_are_checked(settings: Any, name: str, value: Any, code: str) -> None:
    assert delivery_settings(None) == []
    setattr(settings, name, value)
    assert [found.id for found in delivery_settings(None)] == [code]


@pytest.mark.parametrize("action", ["test", "rotate", "enable", "recover"])
def test_an_act_for_another_version_of_the_endpoint_is_refused(
    operator: ApiClient, receiver: Receiver, action: str
) -> None:
    address = operator.post(ENDPOINTS, given(receiver, active=action != "enable"))["Location"]
    body = {"since": {"value": "2026-01-01T00:00:00Z"}} if action == "recover" else None
    tag = operator.get(address)["ETag"]
    assert operator.post(f"{address}/{action}", body, If_Match='"99-x"').status_code == 412
    assert operator.get(address)["ETag"] == tag
    assert operator.post(f"{address}/{action}", body, If_Match=tag).status_code in {200, 201}


def test_a_delivery_of_another_version_is_not_sent_again(operator: ApiClient, receiver: Receiver) -> None:
    operator.post(operator.post(ENDPOINTS, given(receiver))["Location"] + "/test")
    send_all()
    delivery = operator.get(DELIVERIES).json()["items"][0]
    address = rel(delivery, "self") or ""
    tag = operator.get(address)["ETag"]
    assert operator.post(f"{address}/redeliver", If_Match='"99-x"').status_code == 412
    assert operator.get(address)["ETag"] == tag
    assert operator.post(f"{address}/redeliver", If_Match=tag).status_code == 200


def test_rotating_needs_no_body(operator: ApiClient, receiver: Receiver) -> None:
    address = operator.post(ENDPOINTS, given(receiver))["Location"]
    assert operator.post(f"{address}/rotate").status_code == 201
    assert operator.post(f"{address}/rotate", {}).status_code == 201
