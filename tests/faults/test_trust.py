"""Two of everything, clocks that are wrong, work that kills its worker each time, and a database that is full."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from tests.faults import checks
from tests.faults.stack import Stack
from tests.faults.test_planner import due
from tests.needs import needs

pytestmark = pytest.mark.slow


def test_killed_three_times(stack: Stack) -> None:
    """As by a system that is out of memory: the third time is the last, and the others go on meanwhile."""
    with stack.ledger_locked():
        batch = checks.running(stack)
        for attempt in (1, 2, 3):
            os.kill(stack.wait("it runs", partial(child_of, stack, batch, attempt)), signal.SIGKILL)
        stack.wait_for_end(batch, "Failed")
    code, text = stack.messages(batch)[-1]
    assert code == "TSK-FA-002"
    assert "3 attempts ended this way. A restart can help" in text
    other = stack.start_export()
    stack.wait_for_end(other)
    task = stack.task(batch)["task"]
    assert stack.request("POST", f"/api/taskprocessing/{task}/restart").status_code == 200
    stack.wait_for_end(batch)


def child_of(stack: Stack, batch: int, attempt: int) -> int:
    """The process that makes this attempt, 0 when it has not begun."""
    task = stack.task(batch)
    if (task["status"], task["attempts"]) != ("PROCESSING", attempt):
        return 0
    child = int(task["code"].rpartition("-")[2].split()[0])
    return child if child in stack.children("worker") else 0


FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@needs("faketime", FAKETIME)
@pytest.mark.parametrize("hours", ["+1h", "-1h"])
def test_a_worker_whose_clock_is_an_hour_off(stack: Stack, hours: str) -> None:
    """Leases and the times of rows are the database's; a worker asks its own clock only how long something took."""
    since = checks.newest(stack)
    off = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": hours, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with stack.restarted_with("worker", "keeper", **off):
        killed = stack.start_export()
        stack.wait_for_end(killed)
        stack.arm("export.chunk", "kill")
        again = stack.start_export()
        assert stack.wait_for_end(again)["attempts"] == 2
        ends = checks.everything_ends(stack, since=since, accepted=[killed, again])
    strange = """SELECT count(*) FROM jobs_taskattempt a JOIN consumption_readconsumptionbatch b USING (task_id)
                  WHERE b.id = ANY(%s) AND abs(extract(epoch FROM now() - started_at)) > 1800"""
    assert stack.value(strange, list(ends)) == 0


def test_two_beats_two_keepers(stack: Stack) -> None:
    """Everything is knocked for twice and done once."""
    since = checks.newest(stack)
    stack.start("beat2", "keeper2")
    try:
        schedules = [due(stack) for _ in range(3)]
        for _ in range(8):
            stack.send("consumption.schedules.tasks.plan", "housekeeping")
        runs = "SELECT count(*), count(DISTINCT schedule_id) FROM schedules_scheduledrun WHERE schedule_id = ANY(%s)"
        stack.wait("all are planned", lambda: stack.sql(runs, schedules)[0][1] == len(schedules))
        checks.idle(stack)
        stack.arm("export.chunk", "kill")
        killed = stack.start_export()
        assert stack.wait_for_end(killed)["attempts"] == 2
        ends = checks.everything_ends(stack, since=since, accepted=[killed])
        assert list(ends.values()) == ["Completed"] * (len(schedules) + 1)
        assert stack.sql(runs, schedules) == [(len(schedules), len(schedules))]
        assert [code for code, _ in stack.messages(killed)] == ["TSK-IN-004"]
    finally:
        stack.stop("beat2", "keeper2")


def test_no_connection_to_be_had(stack: Stack) -> None:
    """Others hold every session that the database has to give: 503, and all goes on when they let go."""
    with ExitStack() as taken:
        ours: list[psycopg.Connection[Any]] = []

        def take_all() -> None:
            with suppress(psycopg.OperationalError):
                while True:
                    session = psycopg.connect(stack.place.database_url, autocommit=True, application_name="tests")
                    ours.append(taken.enter_context(closing(session)))

        def refusals() -> list[requests.Response]:
            """The answers to a start and to the probe when neither gets a session: another program may have been
            quicker than we, and have let go of its own in between."""
            ours[0].execute(
                """SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                    WHERE usename = current_user AND application_name <> 'tests'"""
            )
            take_all()
            answers = [stack.post(), stack.request("GET", "/readyz")]
            return answers if {answer.status_code for answer in answers} == {503} else []

        take_all()
        answers = stack.wait("the service has none left", refusals)
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tests' AND pid <> pg_backend_pid()"
    stack.wait("all but the one who writes have let go", lambda: stack.value(others) <= 1)
    stack.wait("it answers again", stack.is_warm)
    batch = stack.start_export()
    stack.wait_for_end(batch)
