"""An integration, a job of its own, and a client that reports on it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob, StatusReport
from tests.factories import UserFactory

ROOT = "/ws/rest/service/v2"
JOB = f"{ROOT}/oic/job"
TOKEN = f"{ROOT}/auth/token"
JOB_ID = "3A0429936DD166A"  # the seed's


def basic(user: User) -> str:
    """The Basic header of a user whose password is the name."""
    return "Basic " + b64encode(f"{user.username}:{user.username}".encode()).decode()


class Integration:
    """Speaks to `/ws` as one user; `authorization` may be replaced, None sends none."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.authorization: str | None = basic(user)
        self.client = Client()

    def send(self, method: str, path: str, body: bytes = b"", content_type: str = "", **headers: Any) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.authorization is not None:
            sent["Authorization"] = self.authorization
        return self.client.generic(method, path, body, content_type=content_type, headers=sent)

    def put(self, body: Any, **headers: Any) -> Any:
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("PUT", JOB, sent, content_type="application/json", **headers)

    def report(self, status: Any, message: Any = None, job_id: Any = JOB_ID) -> Any:
        return self.put({"jobId": job_id, "status": status, "message": message}).json()

    def get(self, path: str, **headers: Any) -> Any:
        return self.send("GET", path, **headers)


@pytest.fixture
def integration(db: None) -> Integration:
    return Integration(UserFactory.create(username="oic", roles=[Role.INTEGRATION]))


@pytest.fixture
def other(db: None) -> Integration:
    return Integration(UserFactory.create(username="sap", roles=[Role.INTEGRATION]))


@pytest.fixture
def job(integration: Integration) -> IntegrationJob:
    return IntegrationJob.objects.create(job_id=JOB_ID, integration=integration.user)


def last_report() -> StatusReport:
    return StatusReport.objects.latest("id")


def next_audit_id_is(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('callbacks_statusreport', 'id'), %s, false)", [number])
