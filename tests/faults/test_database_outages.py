"""Without the database there is an honest answer, and everything goes on by itself when it is back."""

from __future__ import annotations

import pytest

from tests.faults import checks
from tests.faults.stack import Stack

END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def test_restarted_while_an_export_runs(stack: Stack) -> None:
    with stack.ledger_locked():
        batch = stack.start_export()
        stack.wait("it runs", lambda: stack.task(batch)["status"] == "PROCESSING")
        with stack.database_down():
            for method, path in (("GET", f"/api/generic/readconsumptionbatches/{batch}"), ("GET", "/readyz")):
                answer = stack.request(method, path)
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["Retry-After"]) > 0
            assert stack.post().status_code == 503
    stack.wait_for_end(batch)
    assert stack.request("GET", f"/api/generic/readconsumptionbatches/{batch}").status_code == 200
    stack.wait_for_end(stack.start_export())
    checks.everything_ends(stack, since=batch - 1, accepted=[batch])
    checks.no_orphans(stack)


@pytest.mark.slow
def test_all_sessions_ended_while_an_export_runs(stack: Stack) -> None:
    with stack.ledger_locked():
        batch = stack.start_export()
        stack.wait("it runs", lambda: stack.task(batch)["status"] == "PROCESSING")
        stack.sql(END_SESSIONS)
    assert stack.request("GET", f"/api/generic/readconsumptionbatches/{batch}").status_code == 200
    stack.wait_for_end(batch)
    checks.everything_ends(stack, since=batch - 1, accepted=[batch])
    checks.no_orphans(stack)
