"""`GET .../auth/token`: the keys, the lifetime, the refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from jobs.callbacks.models import AccessToken, IntegrationJob, digest
from tests.callbacks.conftest import JOB_ID, TOKEN, Integration

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
INVALID = b'{"data": [], "message": ["Invalid expiry."], "status": 400}'


def test_the_answer_has_exactly_the_keys_of_the_contract(integration: Integration, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"
    with timezone.override("Europe/Amsterdam"), time_machine.travel(NOON, tick=False):
        answer = integration.get(TOKEN)
    body = answer.json()
    assert list(body) == ["data", "message", "status"]
    token = body["data"].pop("access_token")
    assert body == {
        "data": {
            "auth_type": "Basic",
            "expires_in": 3600,
            "expiryDate": "2026-07-01",
            "expiryTime": "2026-07-01 15:00:00",
            "Timezone": "(UTC+02:00) Europe/Amsterdam",
        },
        "message": [],
        "status": 200,
    }
    stored = AccessToken.objects.get()
    assert (stored.digest, stored.scope, stored.expires_at) == (digest(token), "ws", NOON + timedelta(hours=1))
    assert answer["Cache-Control"] == "no-store"


def test_the_keys_stand_in_the_contracts_order(integration: Integration) -> None:
    data = integration.get(TOKEN).json()["data"]
    assert list(data) == ["access_token", "auth_type", "expires_in", "expiryDate", "expiryTime", "Timezone"]


@pytest.mark.parametrize("seconds", [1, 300, 86400, 366 * 86400])
def test_expiry_is_in_seconds(integration: Integration, seconds: int) -> None:
    with time_machine.travel(NOON, tick=False):
        data = integration.get(f"{TOKEN}?expiry={seconds}").json()["data"]
    assert data["expires_in"] == seconds
    assert AccessToken.objects.get().expires_at == NOON + timedelta(seconds=seconds)


NO_NUMBER = ["", "abc", "1.5", "-1", "+60", "1e3", "0x10", "60s", " 60", "%00", "%ff", "٣", "60%0A", "NaN", "null"]
ABSURD = ["0", "00", str(366 * 86400 + 1), "9" * 9, "9" * 100, "9" * 6000, "60&expiry=x", "&".join(["1"] * 1100)]


@pytest.mark.parametrize("expiry", NO_NUMBER + ABSURD)
def test_an_expiry_that_makes_no_sense(integration: Integration, expiry: str) -> None:
    answer = integration.get(f"{TOKEN}?expiry={expiry}")
    assert (answer.status_code, answer.content) == (400, INVALID)
    assert not AccessToken.objects.exists()


def test_no_credentials_come_before_the_expiry(integration: Integration) -> None:
    integration.authorization = None
    assert integration.get(f"{TOKEN}?expiry=abc").status_code == 401


def test_a_token_cannot_prolong_itself(integration: Integration) -> None:
    integration.authorization = "Bearer " + integration.get(TOKEN).json()["data"]["access_token"]
    answer = integration.get(TOKEN)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Basic realm="ws", charset="UTF-8"')


def test_a_form_body_does_not_matter(integration: Integration, job: IntegrationJob) -> None:
    """As the token request of Oracle Integration's REST adapter is written."""
    form = "application/x-www-form-urlencoded"
    answer = integration.send("GET", TOKEN, b"grant_type=client_credentials", form)
    integration.authorization = "Bearer " + answer.json()["data"]["access_token"]
    assert integration.report("Started", job_id=JOB_ID)["status"] == 200


def test_expired_tokens_do_not_pile_up(integration: Integration, other: Integration) -> None:
    def issue(user: Any, scope: str, days: int) -> int:
        expires_at = timezone.now() + timedelta(days=days)
        return AccessToken.objects.issue(user=user, name="", scope=scope, expires_at=expires_at)[0].pk

    gone = issue(integration.user, "ws", -1)
    stay = [issue(integration.user, "ws", 1), issue(integration.user, "api", -1), issue(other.user, "ws", -1)]
    integration.get(TOKEN)
    left = set(AccessToken.objects.values_list("pk", flat=True))
    assert gone not in left
    assert set(stay) < left


def test_a_head_makes_no_token(integration: Integration) -> None:
    assert integration.send("HEAD", TOKEN).status_code == 200
    assert integration.send("HEAD", f"{TOKEN}?expiry=soon").status_code == 400
    assert not AccessToken.objects.exists()
