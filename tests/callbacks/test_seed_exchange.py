"""The first seed's exchange, with the requests and the answers that it prints."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.callbacks.models import IntegrationJob
from tests.callbacks.conftest import Integration, next_audit_id_is

PATH = "/ws/rest/service/v2/oic/job"
SAMPLE_REQUEST = b"""{

"jobId":"3A0429936DD166A",

"status": "Started",

"message": "Process Started"

}"""
# The seed prints this one without quotes round its names, and without `data`.
SAMPLE_SUCCESS = {"status": 200, "message": ["Job updated Successfully"], "rest_audit_id": 1234}
SAMPLE_FAILURE: dict[str, Any] = {
    "data": [],
    "message": ["Status should be one of [Started, Completed, Failed]"],
    "status": 1804,
    "rest_audit_id": 547,
}
VALIDATION_MESSAGES = [
    ({"jobId": "3A0429936DD166A", "message": "m"}, 1802, "Status is missing."),
    ({"jobId": "0123456789ABCDE", "status": "Started"}, 1803, "JobId not found."),
    ({"status": "Started"}, 1801, "JobId is invalid or missing."),
    ({"jobId": "", "status": "Started"}, 1801, "JobId is invalid or missing."),
    (
        {"jobId": "3A0429936DD166A", "status": "Running"},
        1804,
        "Status should be one of [Started, Completed, Failed]",
    ),
    ({"jobId": "3A0429936DD166A", "status": "Completed"}, 200, "Job updated Successfully"),
]


def test_the_sample_request_is_answered_as_printed(integration: Integration, job: IntegrationJob) -> None:
    next_audit_id_is(1234)
    answer = integration.send("PUT", PATH, SAMPLE_REQUEST, "application/json")
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in SAMPLE_SUCCESS} == SAMPLE_SUCCESS
    assert answer.json()["data"] == []
    job.refresh_from_db()
    assert (job.status, job.message) == ("Started", "Process Started")


def test_the_sample_failure_is_answered_as_printed(integration: Integration, job: IntegrationJob) -> None:
    next_audit_id_is(547)
    answer = integration.send("PUT", PATH, SAMPLE_REQUEST.replace(b'"Started"', b'"Start"'), "application/json")
    assert answer.json() == SAMPLE_FAILURE
    assert list(answer.json()) == list(SAMPLE_FAILURE)


@pytest.mark.parametrize(("body", "status", "message"), VALIDATION_MESSAGES)
def test_the_printed_validation_messages(
    integration: Integration, job: IntegrationJob, body: dict[str, str], status: int, message: str
) -> None:
    answer = integration.put(body).json()
    assert (answer["status"], answer["message"]) == (status, [message])


def test_a_run_from_start_to_end(integration: Integration, job: IntegrationJob) -> None:
    """At the start, at a fault, and at the end of the resubmitted run, as the seed says where to call."""
    token = integration.get("/ws/rest/service/v2/auth/token").json()["data"]["access_token"]
    integration.authorization = f"Bearer {token}"
    for status in ("Started", "Failed", "Started", "Completed"):
        assert integration.report(status, f"Process {status}")["status"] == 200
    data = integration.get(f"{PATH}/3A0429936DD166A").json()["data"]
    assert (data["status"], data["message"]) == ("Completed", "Process Completed")
    assert [entry["verdict"] for entry in data["history"]] == ["applied"] * 4
