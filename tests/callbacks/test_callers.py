"""Who may call: Basic and `ws` tokens in each spelling, only integrations, only their own jobs."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from hypermedia.readers import Role
from jobs.callbacks.models import AccessToken, IntegrationJob
from tests.callbacks.conftest import JOB, JOB_ID, TOKEN, Integration, basic
from tests.factories import UserFactory

REFUSED = {"data": [], "message": ["Empty or Invalid Authorization Header."], "status": 401}
API = "/api/generic/readconsumptionbatches"


def token_of(user: User, scope: str = "ws", **expiry: float) -> str:
    expires_at = timezone.now() + timedelta(**(expiry or {"hours": 1}))
    return AccessToken.objects.issue(user=user, name="t", scope=scope, expires_at=expires_at)[1]


def answers_to(integration: Integration, authorization: str | None) -> tuple[int, int]:
    """The statuses of a report and of a read with this header."""
    integration.authorization = authorization
    return integration.report("Started")["status"], integration.get(f"{JOB}/{JOB_ID}").json()["status"]


@pytest.mark.parametrize(
    "spelling", ["Bearer {}", "Bearer:{}", "bearer {}", "BEARER:{}", "Bearer: {}", "Bearer   {}", " Bearer {} "]
)
def test_a_token_in_each_spelling(integration: Integration, job: IntegrationJob, spelling: str) -> None:
    assert answers_to(integration, spelling.format(token_of(integration.user))) == (200, 200)


@pytest.mark.parametrize("spelling", ["Basic {}", "basic {}", "BASIC   {}"])
def test_basic_in_each_spelling(integration: Integration, job: IntegrationJob, spelling: str) -> None:
    value = basic(integration.user).removeprefix("Basic ")
    assert answers_to(integration, spelling.format(value)) == (200, 200)


def encoded(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic ÿ",
        encoded("oic"),
        encoded("oic:"),
        encoded("oic:wrong"),
        encoded(":oic"),
        encoded("nobody:nobody"),
        encoded("o\x00ic:oic"),
        encoded("oic:oic") + " more",
        "Basic " + b64encode(b"\xff\xfe:\xff").decode(),
        "Bearer",
        "Bearer ",
        "Bearer:",
        "Bearer tp_unknown",
        "Bearer \x00",
        "Bearerx",
        "user oic",
        "Digest oic",
        "Token x",
        "x" * 10_000,
    ],
)
def test_anything_else_is_401(integration: Integration, job: IntegrationJob, authorization: str | None) -> None:
    assert answers_to(integration, authorization) == (401, 401)
    answer = integration.get(TOKEN)
    assert (answer.status_code, answer.json(), answer["WWW-Authenticate"][:6]) == (401, REFUSED, "Basic ")


def test_an_inactive_user_is_nobody(integration: Integration, job: IntegrationJob) -> None:
    token = token_of(integration.user)
    User.objects.update(is_active=False)
    assert answers_to(integration, basic(integration.user)) == (401, 401)
    assert answers_to(integration, f"Bearer {token}") == (401, 401)


def test_a_changed_password_ends_the_remembered_one(integration: Integration, job: IntegrationJob) -> None:
    assert answers_to(integration, basic(integration.user)) == (200, 200)
    integration.user.set_password("another")
    integration.user.save()
    assert answers_to(integration, basic(integration.user)) == (401, 401)


def test_a_token_ends(integration: Integration, job: IntegrationJob) -> None:
    assert answers_to(integration, f"Bearer {token_of(integration.user, seconds=-1)}") == (401, 401)


def test_a_token_can_be_revoked(integration: Integration, job: IntegrationJob) -> None:
    token = token_of(integration.user)
    assert answers_to(integration, f"Bearer {token}") == (200, 200)
    assert AccessToken.objects.filter(user=integration.user).revoke() == 1
    assert answers_to(integration, f"Bearer {token}") == (401, 401)


def test_a_token_opens_only_what_it_is_for(db: None) -> None:
    user = UserFactory.create(roles=[Role.INTEGRATION, Role.CLIENT])
    IntegrationJob.objects.create(job_id=JOB_ID, integration=user)
    both = Integration(user)
    assert answers_to(both, f"Bearer {token_of(user, 'ws')}") == (200, 200)
    assert answers_to(both, f"Bearer {token_of(user, 'api')}") == (401, 401)

    def api(token: str) -> int:
        answer = Client().get(f"{API}/1", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code

    assert api(token_of(user, "ws")) == 401
    assert api(token_of(user, "api")) == 404


@pytest.mark.parametrize("roles", [[], [Role.CLIENT], [Role.OPERATOR], [Role.AUDITOR]])
def test_only_integrations_may_use_these_routes(job: IntegrationJob, roles: list[Role]) -> None:
    someone = Integration(UserFactory.create(roles=roles))
    forbidden = {"data": [], "message": ["Your role does not open this."], "status": 403}
    assert someone.report("Started")["status"] == 403
    for path in (f"{JOB}/{JOB_ID}", TOKEN):
        answer = someone.get(path)
        assert (answer.status_code, answer.json()) == (403, forbidden)


def without_id(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "rest_audit_id"}


def test_anothers_job_looks_like_none(job: IntegrationJob, other: Integration) -> None:
    anothers, unknown = other.report("Started"), other.report("Started", job_id="0123456789ABCDE")
    assert without_id(anothers) == without_id(unknown)
    assert anothers["status"] == 1803
    assert other.get(f"{JOB}/{JOB_ID}").content == other.get(f"{JOB}/0123456789ABCDE").content
    job.refresh_from_db()
    assert (job.status, job.version, job.reports.count()) == (None, 1, 0)


def test_a_superuser_has_no_part_in_others_jobs(job: IntegrationJob) -> None:
    assert Integration(UserFactory.create(is_superuser=True)).report("Started")["status"] == 1803


def test_tokens_end_by_the_database_clock(integration: Integration, job: IntegrationJob) -> None:
    """A web server whose clock stands still honours no token longer."""
    token = token_of(integration.user, seconds=-1)
    with time_machine.travel(timezone.now() - timedelta(days=1)):
        assert answers_to(integration, f"Bearer {token}") == (401, 401)
