"""Reports that arrive at once: each sees what the one before it made of the job. Real connections, real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle, islice
from typing import Any

import pytest
from django.db import connection, connections, transaction

from jobs.callbacks.models import IntegrationJob, StatusReport
from tests.callbacks.conftest import Integration
from tests.callbacks.test_sequences import EXPECTED
from tests.jobs.conftest import until

REPORTS = ("Started", "Failed", "Started", "Completed")
WAITING_FOR_ME = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"


def in_own_connection(function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    finally:
        connections.close_all()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING_FOR_ME)
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("present", "first"), [(None, "Started"), (None, "Completed"), ("Started", "Completed")])
@pytest.mark.parametrize("second", ["Started", "Completed", "Failed"])
def test_a_report_that_waits_sees_the_outcome_of_the_other(
    integration: Integration, job: IntegrationJob, present: str | None, first: str, second: str
) -> None:
    """The second statement begins, with its snapshot, while the first has written and not committed."""
    if present:
        integration.report(present)
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            integration.report(first, "the first")
            waiting: Future[Any] = threads.submit(in_own_connection, integration.report, second, "the second")
            until(somebody_waits)
        assert waiting.result(timeout=60)["status"] == 200
    verdict, status = EXPECTED[first, second]
    job.refresh_from_db()
    last = StatusReport.objects.latest("id")
    assert (job.status, last.received_status, last.verdict) == (status, second, verdict)
    assert job.flagged == (verdict == "stale")
    assert job.message == ("the second" if verdict == "applied" else "the first")


@pytest.mark.django_db(transaction=True)
def test_a_report_that_waits_for_one_that_is_rolled_back(integration: Integration, job: IntegrationJob) -> None:
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            integration.report("Completed")
            waiting: Future[Any] = threads.submit(in_own_connection, integration.report, "Started")
            until(somebody_waits)
            transaction.set_rollback(True)
        waiting.result(timeout=60)
    job.refresh_from_db()
    assert (job.status, job.flagged, job.version) == ("Started", False, 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statuses", [("Started", "Failed"), REPORTS], ids=["without an end", "with an end"])
def test_a_crowd_is_served_one_after_the_other(
    integration: Integration, job: IntegrationJob, statuses: tuple[str, ...]
) -> None:
    """Read in the order of their audit ids, the verdicts are those of one report after the other."""
    crowd, each = 8, 12
    together = threading.Barrier(crowd)

    def report(shift: int) -> list[int]:
        client = Integration(integration.user)
        together.wait(timeout=60)
        return [client.report(status)["status"] for status in islice(cycle(statuses), shift, shift + each)]

    with ThreadPoolExecutor(crowd) as threads:
        answers = [threads.submit(in_own_connection, report, shift) for shift in range(crowd)]
        assert {status for answer in answers for status in answer.result(timeout=60)} == {200}

    status: str | None = None
    for entry in job.reports.order_by("id"):
        verdict, status = EXPECTED[status, str(entry.received_status)]
        assert entry.verdict == verdict
    job.refresh_from_db()
    assert (job.status, job.version) == (status, 1 + crowd * each)
