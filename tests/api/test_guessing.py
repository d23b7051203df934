"""Passwords are not guessed: wrong ones lock a name for the address that sent them, and nobody else."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from hypermedia.readers import Role
from jobs.callbacks import credentials
from jobs.callbacks.guesses import forget
from jobs.callbacks.models import WrongPasswords
from tests.api.wire import check
from tests.conftest import ApiClient
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
TOKEN = "/ws/rest/service/v2/auth/token"  # an address
MOST = 10


@pytest.fixture(autouse=True)
def as_in_production(settings: Any) -> None:
    settings.API_LOGIN_FAILURES = MOST


@pytest.fixture
def user(db: None) -> User:
    return UserFactory.create(username="client", roles=[Role.CLIENT, Role.INTEGRATION])


def ask(name: str, password: str, path: str = "/api", address: str = "192.0.2.1") -> Any:
    value = b64encode(f"{name}:{password}".encode()).decode()
    answer = ApiClient(None).request("GET", path, None, {"REMOTE_ADDR": address}, Authorization=f"Basic {value}")
    return check(answer) if path == "/api" else answer


def guess(name: str = "client", times: int = MOST) -> None:
    for number in range(times):
        assert ask(name, f"wrong {number}").status_code == 401


@pytest.mark.parametrize("name", ["client", "nobody"])
def test_a_name_is_locked_whether_there_is_such_a_user_or_not(user: User, name: str) -> None:
    guess(name)
    answer = ask(name, "client")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= settings.LOGIN_LOCK.total_seconds()
    [message] = answer.json()["resultMessages"]["resultMessage"]
    assert message["code"] == "GEN-IP-429"
    assert "wrong passwords" in message["text"]


def test_what_is_locked_is_not_hashed(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    guess()

    def hashing(*given: Any) -> bool:
        raise AssertionError("a password was hashed")

    monkeypatch.setattr(credentials, "check_password", hashing)
    monkeypatch.setattr(credentials, "make_password", hashing)
    assert ask("client", "client").status_code == 429


def test_others_are_not_locked(user: User) -> None:
    UserFactory.create(username="other", roles=[Role.CLIENT])
    guess()
    assert ask("other", "other").status_code == 200
    assert ask("client", "client", address="10.9.9.9").status_code == 200
    assert ask("client", "client").status_code == 200, "what was verified a moment ago goes on"
    cache.clear()
    assert ask("client", "client").status_code == 429


def test_a_right_password_begins_the_count_anew(user: User) -> None:
    for _ in range(3):
        guess(times=MOST - 1)
        assert ask("client", "client").status_code == 200
        cache.clear()


def time_passes() -> None:
    """As much as a lock lasts."""
    WrongPasswords.objects.update(until=F("until") - settings.LOGIN_LOCK)


def test_the_lock_ends(user: User) -> None:
    guess()
    time_passes()
    assert ask("client", "client").status_code == 200
    guess()  # and the count begins anew


def test_all_processes_count_together(user: User) -> None:
    guess(times=MOST - 1)
    WrongPasswords.objects.update(number=F("number") + 1)  # what another one counted
    assert ask("client", "client").status_code == 429


def test_what_was_tried_is_not_written_down(user: User) -> None:
    guess("a password where the name belongs", times=1)
    [row] = WrongPasswords.objects.values()
    assert "password" not in str(row)
    assert "192.0.2.1" not in str(row)


def test_what_locks_nobody_out_any_more_is_forgotten(user: User) -> None:
    guess("nobody", times=1)
    time_passes()
    guess(times=1)
    assert forget() == 1
    assert WrongPasswords.objects.count() == 1


def test_integrations_are_told_what_they_know(user: User) -> None:
    guess()
    answer = ask("client", "client", TOKEN)
    assert answer.status_code == 401
    assert answer.json() == {"data": [], "message": ["Empty or Invalid Authorization Header."], "status": 401}
    assert ask("client", "client", TOKEN, address="10.9.9.9").status_code == 200


def test_it_costs_no_statement(user: User) -> None:
    ask("client", "client")
    with CaptureQueriesContext(connection) as statements:
        ask("client", "client")
    assert len(statements) == 1
