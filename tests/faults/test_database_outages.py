"""Without the database there is an honest answer, and everything goes on by itself when it is back."""

from __future__ import annotations

import signal

import pytest

from tests.faults import checks
from tests.faults.stack import Stack

SLOW = pytest.mark.slow

# Waits for each of them: what is still asked of a session that has not heard of its end yet is answered with 503.
END_SESSIONS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.mark.parametrize(
    "signum", [pytest.param(signal.SIGINT, id="restarted"), pytest.param(signal.SIGQUIT, id="crashed", marks=SLOW)]
)
def test_ended_while_an_export_runs(stack: Stack, signum: int) -> None:
    with stack.ledger_locked():
        batch = checks.running(stack)
        with stack.database_down(signum):
            for method, path in (("GET", f"/api/generic/readconsumptionbatches/{batch}"), ("GET", "/readyz")):
                answer = stack.request(method, path)
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["Retry-After"]) > 0
            assert stack.post().status_code == 503
    stack.wait_for_end(batch)
    assert stack.request("GET", f"/api/generic/readconsumptionbatches/{batch}").status_code == 200
    stack.wait_for_end(stack.start_export())


@SLOW
def test_frozen_for_longer_than_a_lease(stack: Stack) -> None:
    """Nobody can renew, cancel or ask anything; the attempt ends itself, by force, and the work is done again."""
    with stack.ledger_locked():
        batch = checks.running(stack)
        children = set(stack.children("worker"))
        with stack.database_frozen():
            stack.wait("the attempt ends itself", lambda: children - set(stack.children("worker")))
    assert stack.wait_for_end(batch)["attempts"] == 2


@SLOW
def test_all_sessions_ended_while_an_export_runs(stack: Stack) -> None:
    with stack.ledger_locked():
        batch = checks.running(stack)
        stack.sql(END_SESSIONS)
    assert stack.request("GET", f"/api/generic/readconsumptionbatches/{batch}").status_code == 200
    stack.wait_for_end(batch)
