"""The callback's answers byte for byte, the order of the checks, and what each call leaves behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob, StatusReport
from tests.callbacks.conftest import JOB, JOB_ID, TOKEN, Integration, last_report, next_audit_id_is
from tests.factories import UserFactory

UPDATED = b'{"data": [], "message": ["Job updated Successfully"], "status": 200, "rest_audit_id": 7}'
UNREADABLE = b'{"data": [], "message": ["Empty or Invalid JSON data"], "status": 1101, "rest_audit_id": 7}'
JOB_ID_INVALID = b'{"data": [], "message": ["JobId is invalid or missing."], "status": 1801, "rest_audit_id": 7}'
STATUS_MISSING = b'{"data": [], "message": ["Status is missing."], "status": 1802, "rest_audit_id": 7}'
JOB_NOT_FOUND = b'{"data": [], "message": ["JobId not found."], "status": 1803, "rest_audit_id": 7}'
STATUS_UNKNOWN = (
    b'{"data": [], "message": ["Status should be one of [Started, Completed, Failed]"], "status": 1804,'
    b' "rest_audit_id": 7}'
)
UNAUTHORIZED = b'{"data": [], "message": ["Empty or Invalid Authorization Header."], "status": 401, "rest_audit_id": 7}'
FORBIDDEN = b'{"data": [], "message": ["Your role does not open this."], "status": 403, "rest_audit_id": 7}'

Body = bytes | dict[str, Any]
ANSWERS: list[tuple[Body, bytes, int]] = [
    ({"jobId": JOB_ID, "status": "Started", "message": "m"}, UPDATED, 200),
    ({"jobId": JOB_ID, "status": "Completed"}, UPDATED, 200),
    ({"jobId": JOB_ID, "status": "Failed", "message": None, "more": {"is": "ignored"}}, UPDATED, 200),
    (b"", UNREADABLE, 400),
    (b"  ", UNREADABLE, 400),
    (b"nonsense", UNREADABLE, 400),
    (b"[]", UNREADABLE, 400),
    (b'"Started"', UNREADABLE, 400),
    (b"null", UNREADABLE, 400),
    ({}, JOB_ID_INVALID, 400),
    ({"jobId": "", "status": "Started"}, JOB_ID_INVALID, 400),
    ({"jobId": None, "status": "Started"}, JOB_ID_INVALID, 400),
    ({"jobId": 3, "status": "Started"}, JOB_ID_INVALID, 400),
    ({"jobId": [JOB_ID], "status": "Started"}, JOB_ID_INVALID, 400),
    ({"jobId": JOB_ID}, STATUS_MISSING, 400),
    ({"jobId": JOB_ID, "status": None}, STATUS_MISSING, 400),
    ({"jobId": JOB_ID, "status": ""}, STATUS_MISSING, 400),
    ({"jobId": JOB_ID, "status": "started"}, STATUS_UNKNOWN, 400),
    ({"jobId": JOB_ID, "status": " Started"}, STATUS_UNKNOWN, 400),
    ({"jobId": JOB_ID, "status": 0}, STATUS_UNKNOWN, 400),
    ({"jobId": JOB_ID, "status": ["Started"]}, STATUS_UNKNOWN, 400),
    ({"jobId": "0123456789ABCDE", "status": "Started"}, JOB_NOT_FOUND, 404),
    ({"jobId": JOB_ID.lower(), "status": "Started"}, JOB_NOT_FOUND, 404),
    ({"jobId": f" {JOB_ID}", "status": "Started"}, JOB_NOT_FOUND, 404),
    # Of two faults the first check answers: the job is looked up last.
    ({"jobId": "", "status": ""}, JOB_ID_INVALID, 400),
    ({"jobId": "unknown"}, STATUS_MISSING, 400),
    ({"jobId": "unknown", "status": "unknown"}, STATUS_UNKNOWN, 400),
]


@pytest.mark.parametrize(("body", "expected", "_"), ANSWERS)
def test_answer(integration: Integration, job: IntegrationJob, body: Body, expected: bytes, _: int) -> None:
    next_audit_id_is(7)
    answer = integration.put(body)
    assert (answer.content, answer.status_code) == (expected, 200)
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize(("body", "expected", "http"), ANSWERS)
def test_codes_as_http_where_the_setting_says_so(
    integration: Integration, job: IntegrationJob, settings: Any, body: Body, expected: bytes, http: int
) -> None:
    settings.CALLBACK_ERRORS_AS_HTTP = True
    next_audit_id_is(7)
    answer = integration.put(body)
    assert (answer.content, answer.status_code) == (expected, http)


@pytest.mark.parametrize(("body", "expected", "_"), ANSWERS)
def test_every_call_is_kept_with_what_it_was_answered(
    integration: Integration, job: IntegrationJob, body: Body, expected: bytes, _: int
) -> None:
    next_audit_id_is(7)
    integration.put(body, X_Request_ID="call-7")
    report = StatusReport.objects.get()
    accepted = expected == UPDATED
    assert (report.pk, report.answered, report.request_id) == (7, json.loads(expected)["status"], "call-7")
    assert (report.verdict, report.job_id) == (("applied", job.pk) if accepted else ("rejected", None))
    assert report.user == integration.user
    job.refresh_from_db()
    assert job.version == (2 if accepted else 1)


def test_no_credentials_come_before_everything(integration: Integration, job: IntegrationJob) -> None:
    next_audit_id_is(7)
    integration.authorization = None
    answer = integration.put({"jobId": JOB_ID, "status": "Started", "message": "from a stranger"})
    assert (answer.content, answer.status_code) == (UNAUTHORIZED, 401)
    assert answer["WWW-Authenticate"].startswith("Basic realm=")
    report = last_report()
    assert (report.answered, report.verdict, report.user) == (401, "rejected", None)
    assert (report.received_job_id, report.received_status, report.received_message) == (None, None, None)


@pytest.mark.parametrize("roles", [[], [Role.CLIENT], [Role.OPERATOR, Role.AUDITOR]])
def test_other_roles_are_refused_before_the_body_is_read(job: IntegrationJob, roles: list[Role]) -> None:
    next_audit_id_is(7)
    answer = Integration(UserFactory.create(roles=roles)).put(b"nonsense")
    assert (answer.content, answer.status_code) == (FORBIDDEN, 403)
    assert last_report().user is not None


def test_a_superuser_is_an_integration_too(db: None) -> None:
    root = UserFactory.create(is_superuser=True)
    IntegrationJob.objects.create(job_id=JOB_ID, integration=root)
    assert Integration(root).report("Started")["status"] == 200


@pytest.mark.parametrize("headers", [{"Accept": "text/html"}, {"Accept": "nonsense"}, {"Accept": ""}, {}])
@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense", "a/b; charset=nonsense"],
)
def test_any_accept_and_content_type(
    integration: Integration, job: IntegrationJob, headers: dict[str, str], content_type: str
) -> None:
    next_audit_id_is(7)
    body = json.dumps({"jobId": JOB_ID, "status": "Started"}).encode()
    assert integration.send("PUT", JOB, body, content_type, **headers).content == UPDATED


@pytest.mark.parametrize(
    ("path", "allowed"),
    [(JOB, "PUT, OPTIONS"), (f"{JOB}/{JOB_ID}", "GET, HEAD, OPTIONS"), (TOKEN, "GET, HEAD, OPTIONS")],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_wrong_methods(integration: Integration, job: IntegrationJob, path: str, allowed: str, method: str) -> None:
    answer = integration.send(method, path)
    if method in allowed.split(", "):
        assert answer.status_code == (204 if method == "OPTIONS" else 200)
        assert answer.headers.get("Allow") == (allowed if method == "OPTIONS" else None)
        return
    assert (answer.status_code, answer["Allow"]) == (405, allowed)
    if method != "HEAD":
        assert answer.json() == {"data": [], "message": [f"Method {method} is not allowed."], "status": 405}
    assert not StatusReport.objects.exists()


def test_the_answers_carry_the_headers_of_the_api(integration: Integration, job: IntegrationJob) -> None:
    answer = integration.put({"jobId": JOB_ID, "status": "Started"}, X_Request_ID="mine")
    assert (answer["X-Request-ID"], answer["X-OHI-APP-ID"]) == ("mine", "ALI")
    assert answer["Cache-Control"] == "no-store"
