"""Who is let in, and for how long."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from hypermedia.readers import Role
from jobs.callbacks.models import AccessToken
from tests.api.wire import check
from tests.conftest import ApiClient
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ENTRY = "/api"
BASIC_SECONDS = 60


@pytest.fixture
def user(db: None) -> User:
    return UserFactory.create(username="client", roles=[Role.CLIENT])


@pytest.fixture
def hashed(monkeypatch: Any) -> list[str]:
    """The passwords that were hashed, which is what costs time."""
    calls: list[str] = []

    def counting(password: str, encoded: str, **options: Any) -> bool:
        calls.append(password)
        return hashers.check_password(password, encoded, **options)

    monkeypatch.setattr("jobs.callbacks.credentials.check_password", counting)
    return calls


def get(authorization: str | None, path: str = ENTRY) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    return check(ApiClient(None).request("GET", path, **headers))


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def bearer(user: User, scope: str = AccessToken.Scope.API, **age: float) -> tuple[AccessToken, str]:
    expires_at = timezone.now() + timedelta(**(age or {"hours": 1}))
    token, text = AccessToken.objects.issue(user=user, name="t", scope=scope, expires_at=expires_at)
    return token, f"Bearer {text}"


def test_without_credentials_the_schemes_are_named() -> None:
    response = get(None)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Basic realm="api", charset="UTF-8", Bearer realm="api"'


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_basic(user: User, scheme: str) -> None:
    assert get(basic("client", "client").replace("Basic", scheme)).status_code == 200
    assert get(basic("client", "wrong")).status_code == 401
    assert get(basic("nobody", "client")).status_code == 401


def test_basic_beyond_ascii() -> None:
    """Names are compared as Unicode normalises them; a password may hold anything, a colon included."""
    made = UserFactory.create(username="zoë", roles=[Role.CLIENT])
    made.set_password("pässwörd: 😀")
    made.save()
    assert get(basic("zoë", "pässwörd: 😀")).status_code == 200
    assert get(basic("zoe\u0308", "pässwörd: 😀")).status_code == 200
    assert get(basic("zoë", "pässwörd")).status_code == 401


def test_a_verified_password_is_remembered_for_a_minute(user: User, hashed: list[str]) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(3):
            assert get(basic("client", "client")).status_code == 200
        assert hashed == ["client"]
        clock.shift(BASIC_SECONDS - 1)
        assert get(basic("client", "client")).status_code == 200
        assert hashed == ["client"]
        clock.shift(2)
        assert get(basic("client", "client")).status_code == 200
        assert hashed == ["client"] * 2


def test_a_wrong_password_is_not_remembered(user: User, hashed: list[str]) -> None:
    for _ in range(2):
        assert get(basic("client", "wrong")).status_code == 401
    assert hashed == ["wrong"] * 2


def test_a_changed_password_ends_the_old_one_at_once(user: User, hashed: list[str]) -> None:
    assert get(basic("client", "client")).status_code == 200
    user.set_password("new")
    user.save()
    assert get(basic("client", "client")).status_code == 401
    assert get(basic("client", "new")).status_code == 200
    assert hashed == ["client", "client", "new"]


def test_the_cache_holds_no_password(user: User) -> None:
    assert get(basic("client", "client")).status_code == 200
    entries = list(cache._cache)  # type: ignore[attr-defined]  # the test's cache is a dictionary
    assert len(entries) == 1
    assert "client" not in entries[0]


def test_rights_that_are_taken_end_at_once(user: User) -> None:
    """The cache remembers that a password is right, not who is active or what for."""
    token = bearer(user)[1]
    assert get(basic("client", "client")).status_code == get(token).status_code == 200
    user.groups.clear()
    assert get(basic("client", "client")).status_code == get(token).status_code == 403
    User.objects.update(is_active=False)
    assert get(basic("client", "client")).status_code == get(token).status_code == 401
    assert get("user client").status_code == 401


def test_unknown_names_cost_as_much_as_wrong_passwords(user: User, monkeypatch: Any) -> None:
    made: list[str] = []
    monkeypatch.setattr("jobs.callbacks.credentials.make_password", made.append)
    assert get(basic("nobody", "guess")).status_code == 401
    assert made == ["guess"]


def test_a_superuser_has_every_role() -> None:
    UserFactory.create(username="root", is_superuser=True)
    assert get(basic("root", "root")).status_code == 200


def test_bearer(user: User) -> None:
    _, header = bearer(user)
    assert get(header).status_code == 200
    assert get(header.replace("Bearer", "bearer  ")).status_code == 200
    assert get(header.replace("Bearer ", "Bearer:")).status_code == 401
    assert get(header + "x").status_code == 401
    assert get(header.upper()).status_code == 401


def test_tokens_end(user: User) -> None:
    assert get(bearer(user, seconds=-1)[1]).status_code == 401
    token, header = bearer(user)
    AccessToken.objects.filter(pk=token.pk).revoke()
    assert get(header).status_code == 401


def test_a_callback_token_opens_nothing_here(user: User) -> None:
    user.groups.add(*UserFactory.create(roles=[Role.INTEGRATION]).groups.all())
    assert get(bearer(user, AccessToken.Scope.CALLBACK)[1]).status_code == 401
    response = ApiClient(None).get("/ws/rest/service/v2/oic/job/x", Authorization=bearer(user)[1])
    assert response.json()["status"] == 401


def test_the_header_of_the_seed_is_for_development(user: User, settings: Any) -> None:
    assert get("user client").status_code == 200
    settings.DEVELOPMENT_USER_HEADER = False
    assert get("user client").status_code == 401


def test_a_new_token(user: User) -> None:
    client = ApiClient(user)
    body = {"name": "night run", "expiry": {"value": (timezone.now() + timedelta(days=1)).isoformat()}}
    response = check(client.post("/api/accesstokens", body), 201)
    assert list(response.json()) == ["type", "id", "name", "token", "expiry"]
    assert response.headers["Cache-Control"] == "no-store"
    text = response.json()["token"]
    assert get(f"Bearer {text}").status_code == 200
    assert text not in str(AccessToken.objects.values_list().get())
    assert ApiClient(None).get("/ws/rest/service/v2/oic/job/x", Authorization=f"Bearer {text}").json()["status"] == 401


def test_a_token_makes_no_tokens(user: User) -> None:
    """One that leaked must not be able to prolong itself."""
    response = ApiClient(None).post("/api/accesstokens", {"name": "x"}, Authorization=bearer(user)[1])
    check(response, 401)
    assert AccessToken.objects.count() == 1


@pytest.mark.parametrize("days", [-1, 0, 400, 300_000])
def test_a_token_ends_within_the_longest_life(user: User, days: int) -> None:
    expiry = {"value": (timezone.now() + timedelta(days=days)).isoformat()}
    response = check(ApiClient(user).post("/api/accesstokens", {"name": "x", "expiry": expiry}), 422)
    assert response.json()["resultMessages"]["resultMessage"][0]["pointer"] == "/expiry"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/openapi.json", "/api/docs"])
def test_open_doors(path: str) -> None:
    """Open, also to who sends credentials that are wrong."""
    for headers in ({}, {"Authorization": basic("nobody", "x")}):
        assert ApiClient(None).get(path, Accept="*/*", **headers).status_code == 200


def test_a_user_without_a_role_is_let_in_nowhere(db: None) -> None:
    client = ApiClient(UserFactory.create())
    for path in ("/api", "/api/generic/tasks/1", "/api/datafilesets/X"):
        check(client.get(path), 403)
    check(client.post("/api/accesstokens", {"name": "x"}), 403)


def told(authorization: str | None, path: str = ENTRY) -> str:
    response = get(authorization, path)
    assert response.status_code == 401
    [message] = response.json()["resultMessages"]["resultMessage"]
    assert message["code"] == "GEN-IP-401"
    return str(message["text"])


def test_what_is_wrong_with_credentials_is_told(user: User) -> None:
    wrong = told(basic("client", "wrong"))
    assert wrong == "User name or password is wrong."
    assert told(basic("nobody", "wrong")) == wrong, "whether there is a user is nobody's business"
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert told(basic("client", "client")) == wrong
    assert told(None) == "Give credentials: HTTP Basic, or a bearer token."
    assert "cannot be read" in told("Basic Y2xpZW50")
    assert "scheme is not known" in told("Digest x")


def test_what_is_wrong_with_a_token_is_told(user: User) -> None:
    assert "not known" in told("Bearer tp_nothing")
    token, text = bearer(user)
    for field, value, expected in (
        ("scope", AccessToken.Scope.CALLBACK, "another part"),
        ("revoked_at", timezone.now(), "revoked"),
        ("expires_at", timezone.now(), "expired"),
    ):
        before = getattr(token, field)
        AccessToken.objects.filter(pk=token.pk).update(**{field: value})
        assert expected in told(text)
        AccessToken.objects.filter(pk=token.pk).update(**{field: before})
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert "no longer active" in told(text)


def test_a_token_makes_no_token_and_is_told_why(user: User) -> None:
    _, text = bearer(user)
    answer = check(ApiClient(None).request("POST", "/api/accesstokens", Authorization=text))
    assert answer.status_code == 401
    assert "a token cannot make others" in answer.json()["detail"]


def test_the_role_that_is_missing_is_named(user: User) -> None:
    answer = get(basic("client", "client"), "/api/notificationendpoints")
    assert answer.status_code == 403
    assert answer.json()["detail"] == "This needs the role auditor or operator; yours: client."
