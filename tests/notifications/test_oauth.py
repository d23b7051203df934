"""OAuth 2.0 client credentials, against an authorization server on a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.cache import cache

from jobs.notifications.models import Attempt, NotificationEndpoint
from jobs.notifications.states import Outcome
from tests.notifications.conftest import happened, let_time_pass, only_attempt, send_all
from tests.notifications.receiver import Answer, Got, Receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def authorization_server() -> Iterator[Receiver]:
    numbers = iter(range(1, 100))

    def token(_: Got) -> Answer:
        return 200, {}, json.dumps({"access_token": f"token-{next(numbers)}", "expires_in": 3600}).encode()

    with Receiver(token) as running:
        yield running


@pytest.fixture
def endpoint(
    receiver: Receiver, authorization_server: Receiver, endpoint_at: Callable[..., NotificationEndpoint]
) -> NotificationEndpoint:
    authentication = {"type": "oauth2", "tokenUrl": authorization_server.url, "clientId": "us/1", "scope": "events"}
    return endpoint_at(receiver.url, authentication=authentication, credential="s:cret")


def test_token_is_asked_for_once(
    receiver: Receiver, authorization_server: Receiver, endpoint: NotificationEndpoint
) -> None:
    for _ in range(3):
        happened()
    assert send_all() == 3
    (asked,) = authorization_server.got
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["events"]}
    assert asked.headers["authorization"] == "Basic dXMlMkYxOnMlM0FjcmV0"  # us%2F1:s%3Acret, RFC 6749 2.3.1
    assert {got.headers["authorization"] for got in receiver.got} == {"Bearer token-1"}
    assert Attempt.objects.exclude(request_headers__Authorization="***").count() == 0


def test_refused_token_is_asked_for_again(
    receiver: Receiver, authorization_server: Receiver, endpoint: NotificationEndpoint
) -> None:
    receiver.answer = lambda got: (401 if got.headers["authorization"].endswith("token-1") else 200, {}, b"")
    happened()
    send_all()
    let_time_pass()
    send_all()
    assert [got.headers["authorization"] for got in receiver.got] == ["Bearer token-1", "Bearer token-2"]


def test_expired_token_is_asked_for_again(
    receiver: Receiver, authorization_server: Receiver, endpoint: NotificationEndpoint
) -> None:
    authorization_server.answer = lambda got: (200, {}, b'{"access_token": "short", "expires_in": 20}')
    for _ in range(2):
        happened()
    send_all()
    assert len(authorization_server.got) == 2


def test_kept_token_is_sealed(receiver: Receiver, endpoint: NotificationEndpoint, monkeypatch: Any) -> None:
    kept: list[str] = []
    monkeypatch.setattr(cache, "set", lambda key, value, seconds: kept.append(f"{key} {value}"))
    happened()
    send_all()
    assert len(kept) == 1
    assert "token-1" not in kept[0]
    assert "cret" not in kept[0]


@pytest.mark.parametrize(
    "answer",
    [
        (400, {}, b'{"error": "invalid_client"}'),
        (302, {"Location": "http://169.254.169.254/"}, b""),
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (200, {}, b"{}"),
        (200, {}, b'{"access_token": 7}'),
        (200, {}, b'{"access_token": "a\\r\\nX-Evil: b"}'),
        (200, {}, b'{"access_token": "a", "expires_in": "soon"}'),
        (200, {}, b"[" * 100_000),
    ],
    ids=lambda answer: str(answer[2][:30]),
)
def test_no_token_no_call(
    receiver: Receiver, authorization_server: Receiver, endpoint: NotificationEndpoint, answer: Answer
) -> None:
    authorization_server.answer = lambda got: answer
    happened()
    send_all()
    assert only_attempt().outcome == Outcome.TOKEN
    assert receiver.got == []


def test_authorization_server_on_a_private_address(
    receiver: Receiver, endpoint: NotificationEndpoint, settings: Any
) -> None:
    endpoint.authentication["tokenUrl"] = "http://10.0.0.1/token"
    endpoint.save()
    happened()
    send_all()
    assert "10.0.0.1 is not a public address" in only_attempt().reason
    assert receiver.got == []
