"""The audit id rises with every call, whatever its answer."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jobs.callbacks.models import IntegrationJob, StatusReport
from tests.callbacks.conftest import JOB_ID, Integration
from tests.callbacks.test_failures import JOBS, renamed


@pytest.mark.django_db(transaction=True)
def test_ids_rise_over_every_kind_of_call(integration: Integration, other: Integration, job: IntegrationJob) -> None:
    stranger = Integration(integration.user)
    stranger.authorization = None
    started = {"jobId": JOB_ID, "status": "Started"}

    def broken() -> int:
        with renamed(JOBS):
            return int(integration.put(started).json()["rest_audit_id"])

    calls = [
        lambda: integration.put(started).json()["rest_audit_id"],
        lambda: integration.put(b"").json()["rest_audit_id"],
        lambda: integration.put({}).json()["rest_audit_id"],
        lambda: integration.put({"jobId": JOB_ID}).json()["rest_audit_id"],
        lambda: integration.put({"jobId": "?", "status": "Failed"}).json()["rest_audit_id"],
        lambda: integration.put({"jobId": JOB_ID, "status": "?"}).json()["rest_audit_id"],
        lambda: integration.put({"jobId": JOB_ID, "status": "Completed"}).json()["rest_audit_id"],
        lambda: integration.put(started).json()["rest_audit_id"],
        lambda: other.put(started).json()["rest_audit_id"],
        lambda: stranger.put(started).json()["rest_audit_id"],
        broken,
    ]
    ids = [call() for call in calls + calls]
    assert all(later > earlier for earlier, later in pairwise(ids))
    assert set(ids) <= set(StatusReport.objects.values_list("pk", flat=True))
    answered = set(StatusReport.objects.values_list("answered", flat=True))
    assert answered == {200, 1101, 1801, 1802, 1803, 1804, 401, 500}
    assert set(StatusReport.objects.values_list("verdict", flat=True)) == {"applied", "duplicate", "stale", "rejected"}


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (None, None),
        ("", ""),
        ("Fault: ünïcode ☂ 🜂\n\tsecond line", "Fault: ünïcode ☂ 🜂\n\tsecond line"),
        ({"code": 5, "text": "ü"}, '{"code": 5, "text": "ü"}'),
        ([1.5, None, True], "[1.5, null, true]"),
        (0, "0"),
        (False, "false"),
        ("x" * 4000, "x" * 4000),
        ("x" * 4001, "x" * 4000),
        ("🜂" * 5000, "🜂" * 4000),
        (["x" * 5000], '["' + "x" * 3998),
        ("nul \x00 and half \ud800", "nul \\u0000 and half \\ud800"),
        ("\x00" * 4000, ("\\u0000" * 667)[:4000]),
    ],
)
def test_any_message_is_kept_as_text(integration: Integration, job: IntegrationJob, message: object, kept: str) -> None:
    assert integration.report("Failed", message)["status"] == 200
    job.refresh_from_db()
    assert job.message == kept
    assert job.reports.get().received_message == kept


def test_what_a_refused_call_said_is_kept_too(integration: Integration, job: IntegrationJob) -> None:
    integration.put({"jobId": {"id": 1}, "status": ["Started"], "message": 5})
    report = StatusReport.objects.get()
    assert (report.received_job_id, report.received_status, report.received_message) == (
        '{"id": 1}',
        '["Started"]',
        "5",
    )


def test_a_long_job_id_is_kept_cut(integration: Integration) -> None:
    assert integration.report("Started", job_id="A" * 100_000)["status"] == 1803
    assert StatusReport.objects.get().received_job_id == "A" * 4000
