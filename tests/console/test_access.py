"""Who gets in: throttled log-ins, and what pages may load and run."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from config.console import policy
from tests.conftest import ApiClient
from tests.console.conftest import Person
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few_attempts(settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3


def log_in(name: str, password: str, address: str = "10.0.0.1") -> int:
    answer = Client(REMOTE_ADDR=address).post("/admin/login/?next=/admin/", {"username": name, "password": password})
    return answer.status_code


@pytest.fixture
def operator_name() -> str:
    return UserFactory.create(is_staff=True).username


def test_guessing_is_stopped_for_that_name_from_that_address(operator_name: str) -> None:
    other = UserFactory.create(is_staff=True).username
    guessed = [log_in(operator_name, "wrong") for _ in range(4)]
    assert guessed[:2] == [200, 200]
    assert guessed[3] == 429
    assert log_in(operator_name, operator_name) == 429
    assert log_in(operator_name, operator_name, address="10.0.0.2") == 302  # the user is not locked out of the site
    assert log_in(other, other) == 302  # and neither are the colleagues behind the same address


def test_the_lock_opens_after_a_log_in_that_succeeds_in_between(operator_name: str) -> None:
    for _ in range(3):
        assert log_in(operator_name, "wrong") == 200
        assert log_in(operator_name, operator_name) == 302


def test_the_lock_does_not_touch_the_api(testuser: ApiClient) -> None:
    assert testuser.user is not None
    for _ in range(4):
        log_in(testuser.user.username, "wrong", address="127.0.0.1")
    assert testuser.get("/api/datafilesets").status_code == 200


def test_the_page_of_a_locked_name_says_so(operator_name: str) -> None:
    for _ in range(3):
        log_in(operator_name, "wrong")
    given = {"username": operator_name, "password": "x"}
    answer = Client(REMOTE_ADDR="10.0.0.1").post("/admin/login/", given)
    assert "Too many attempts" in answer.content.decode()


def directives(answer: Any) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def test_the_api_may_load_nothing(testuser: ApiClient) -> None:
    for path in ("/api/datafilesets", "/api/nothing", "/healthz"):
        assert directives(testuser.get(path)) == {"default-src": "'none'", "frame-ancestors": "'none'"}


def test_the_console_loads_only_from_itself(operator: Person) -> None:
    allowed = directives(operator.client.get("/admin/"))
    assert allowed["default-src"] == "'none'"
    assert allowed["script-src"] == "'self' 'unsafe-eval'"
    assert allowed["style-src"] == f"'self' {policy.HTMX_STYLE}"
    assert not [value for value in allowed.values() if "http" in value or "*" in value]


def test_no_page_of_ours_has_a_script_or_handler_inline(operator: Person) -> None:
    for path in ("/admin/", "/admin/queue/", "/admin/jobs/task/", "/admin/consumption/readconsumptionbatch/start/"):
        page = operator.see(path)
        assert "<script>" not in page
        assert " onclick=" not in page
        assert "<style" not in page
