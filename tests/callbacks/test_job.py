"""`GET .../oic/job/{jobId}`: the job and its history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob, StatusReport
from jobs.callbacks.views import HISTORY_LENGTH
from tests.callbacks.conftest import JOB, JOB_ID, Integration, next_audit_id_is
from tests.conftest import ApiClient, rel
from tests.factories import UserFactory

NOT_FOUND = b'{"data": [], "message": ["JobId not found."], "status": 1803}'


def test_a_job_without_reports(integration: Integration, job: IntegrationJob) -> None:
    answer = integration.get(f"{JOB}/{JOB_ID}").json()
    created = answer["data"].pop("created")
    assert datetime.fromisoformat(created).tzinfo is not None
    assert answer == {
        "data": {"jobId": JOB_ID, "status": None, "message": None, "lastReport": None, "history": []},
        "message": [],
        "status": 200,
    }


def test_the_history_is_what_reached_the_job(integration: Integration, job: IntegrationJob) -> None:
    next_audit_id_is(7)
    for status in ("Started", "Started", "Unknown", "Completed", "Failed"):
        integration.report(status, f"m {status}")
    data: dict[str, Any] = integration.get(f"{JOB}/{JOB_ID}").json()["data"]
    assert (data["status"], data["message"]) == ("Completed", "m Completed")
    assert data["lastReport"] >= data["history"][-1]["received"] > data["created"]
    assert [tuple(entry.values())[:4] for entry in data["history"]] == [
        (7, "Started", "m Started", "applied"),
        (8, "Started", "m Started", "duplicate"),
        (10, "Completed", "m Completed", "applied"),
        (11, "Failed", "m Failed", "stale"),
    ]
    assert list(data["history"][0]) == ["rest_audit_id", "status", "message", "verdict", "received"]


def test_a_long_history_is_its_newest_part(integration: Integration, job: IntegrationJob) -> None:
    row = {"job": job, "received_status": "Started", "answered": 200, "verdict": "duplicate", "request_id": "-"}
    reports = StatusReport.objects.bulk_create(StatusReport(**row) for _ in range(HISTORY_LENGTH + 5))
    history = integration.get(f"{JOB}/{JOB_ID}").json()["data"]["history"]
    assert [entry["rest_audit_id"] for entry in history] == [report.pk for report in reports[5:]]


UNKNOWN = ["0123456789ABCDE", JOB_ID.lower(), "a/b", "..", "%2e%2e", "A" * 5000, "'", "%25", "%20", "%F0%9F%9C%82"]
UNSTORABLE = [f"{JOB_ID}%00", "%00", "%ff", "%ed%a0%80"]


@pytest.mark.parametrize("job_id", UNKNOWN + UNSTORABLE)
def test_an_unknown_job(integration: Integration, job: IntegrationJob, settings: Any, job_id: str) -> None:
    answer = integration.get(f"{JOB}/{job_id}")
    assert (answer.status_code, answer.content) == (200, NOT_FOUND)
    settings.CALLBACK_ERRORS_AS_HTTP = True
    answer = integration.get(f"{JOB}/{job_id}")
    assert (answer.status_code, answer.content) == (404, NOT_FOUND)


def test_head_is_get_without_a_body(integration: Integration, job: IntegrationJob) -> None:
    answer = integration.send("HEAD", f"{JOB}/{JOB_ID}")
    assert (answer.status_code, answer.content) == (200, b"")


def test_operators_find_every_job(operator: ApiClient, auditor: ApiClient, testuser: ApiClient) -> None:
    jobs = [IntegrationJob.objects.create(integration=UserFactory.create(roles=[Role.INTEGRATION])) for _ in range(3)]
    IntegrationJob.objects.filter(pk=jobs[1].pk).update(status="Failed", message="no route", flagged=True)
    found = operator.post("/api/integrationjobs/search", {"resource": {"q": "status.eq('Failed')"}}).json()["items"]
    assert [item["jobId"] for item in found] == [jobs[1].job_id]
    assert (found[0]["message"], found[0]["flagged"]) == ("no route", True)
    name = jobs[2].integration.username
    for q, expected in (
        (f"jobId.eq('{jobs[0].job_id}')", jobs[:1]),
        (f"integration.eq('{name}')", jobs[2:]),
        ("flagged.eq(true)", jobs[1:2]),
        ("creationDate.lt('2000-01-01T00:00:00Z')", []),
        ("status.ne('Failed')", [jobs[0], jobs[2]]),
    ):
        items = auditor.get(f"/api/integrationjobs?q={q}").json()["items"]
        assert [item["id"] for item in items] == [job.pk for job in expected], q
        assert all(auditor.get(rel(item, "self") or "").json() == item for item in items)
    assert testuser.get("/api/integrationjobs").status_code == 403
