"""The database breaks: 500 in the envelope, with the code that finds the log line. Nothing is patched in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from jobs.callbacks.models import IntegrationJob, StatusReport
from tests.callbacks.conftest import JOB, JOB_ID, TOKEN, Integration, next_audit_id_is

pytestmark = pytest.mark.django_db(transaction=True)

JOBS, REPORTS, USERS = "callbacks_integrationjob", "callbacks_statusreport", "auth_user"
FAILED = (
    b'{"data": [], "message": ["Unexpected Error in updating Job Status. ErrorCode : %s"], "status": 500,'
    b' "rest_audit_id": %d}'
)


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def renamed(table: str) -> Iterator[None]:
    """The table is not where the code looks for it."""
    execute(f"ALTER TABLE {table} RENAME TO elsewhere")
    try:
        yield
    finally:
        execute(f"ALTER TABLE elsewhere RENAME TO {table}")


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Somebody else holds the table, and the session waits for no lock for long.

    The audit row cannot be kept either: its foreign keys are checked at the commit.
    """
    execute("SET lock_timeout = '200ms'")
    with other_session() as session:
        session.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    execute("SET lock_timeout = 0")


@contextmanager
def terminated() -> Iterator[None]:
    """The session was ended from outside; the server itself is well."""
    with other_session() as session:
        session.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    yield


@contextmanager
def away() -> Iterator[None]:
    """There is no server where it should be."""
    host = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nonexistent"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["HOST"] = host


@contextmanager
def other_session() -> Iterator[psycopg.Connection[Any]]:
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    with psycopg.connect(**wanted) as session:
        yield session
        session.rollback()


Breakage = Callable[[], AbstractContextManager[None]]
# How it is broken, and the audit id of the call: 0 where the database could not take it.
BREAKAGES: dict[str, tuple[Breakage, int]] = {
    "the jobs' table is renamed": (lambda: renamed(JOBS), 7),
    "the jobs' table is locked": (lambda: locked(JOBS), 0),
    "the users' table is locked": (lambda: locked(USERS), 0),
    "the session is terminated": (terminated, 7),
    "the reports' table is renamed": (lambda: renamed(REPORTS), 0),
    "the reports' table is locked": (lambda: locked(REPORTS), 0),
    "the server is away": (away, 0),
}


@pytest.mark.parametrize(("breakage", "audit_id"), BREAKAGES.values(), ids=BREAKAGES)
def test_a_broken_database_is_a_500_with_a_code_that_the_log_knows(
    integration: Integration,
    job: IntegrationJob,
    caplog: pytest.LogCaptureFixture,
    breakage: Breakage,
    audit_id: int,
) -> None:
    next_audit_id_is(7)
    with breakage(), caplog.at_level(logging.ERROR):
        answer = integration.put({"jobId": JOB_ID, "status": "Failed", "message": "m"}, X_Request_ID="code-1")
    assert (answer.content, answer.status_code) == (FAILED % (b"code-1", audit_id), 500)
    [line] = [record for record in caplog.records if record.name == "jobs.callbacks.views"]
    assert "ErrorCode code-1" in line.getMessage()
    assert line.exc_info is not None
    kept: list[tuple[object, ...]] = list(StatusReport.objects.values_list("pk", "answered", "verdict", "job"))
    assert kept == ([(7, 500, "rejected", None)] if audit_id else [])
    job.refresh_from_db()
    assert (job.status, job.version) == (None, 1)


@pytest.mark.parametrize(("breakage", "_"), BREAKAGES.values(), ids=BREAKAGES)
def test_the_next_call_is_served_again(
    integration: Integration, job: IntegrationJob, breakage: Breakage, _: int
) -> None:
    with breakage():
        assert integration.report("Started")["status"] == 500
    assert integration.report("Started")["status"] == 200


@pytest.mark.parametrize(("breakage", "_"), BREAKAGES.values(), ids=BREAKAGES)
def test_strangers_get_500_too_only_when_their_call_cannot_be_kept(
    integration: Integration, breakage: Breakage, _: int
) -> None:
    integration.authorization = None
    with breakage():
        assert integration.put({}).status_code in {401, 500}


@pytest.mark.parametrize(("path", "doing"), [(f"{JOB}/{JOB_ID}", "reading Job Status"), (TOKEN, "creating a token")])
def test_the_other_routes_fail_in_the_envelope(integration: Integration, path: str, doing: str) -> None:
    with away():
        answer = integration.get(path, X_Request_ID="code-2")
    assert answer.status_code == 500
    assert answer.json() == {
        "data": [],
        "message": [f"Unexpected Error in {doing}. ErrorCode : code-2"],
        "status": 500,
    }
