"""Workers that are stopped, killed, too slow, or told that nobody wants their work any more."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.faults import checks, processes
from tests.faults.servers import PATIENCE
from tests.faults.stack import Stack

AT_ONCE = 4.0  # seconds; who waits for a lock gets his 503 after five
# A supervisor waits longer, a worker that waits for its work is slower each time. A busy machine is late now and then.
STOPS_WITHIN = 4.0
KILLED_AFTER = 20.0  # by a service manager: TimeoutStopSec in deploy/systemd
TRIES = 3
RESULT = """
    SELECT r.status, r.result FROM django_celery_results_taskresult r
      JOIN jobs_taskattempt a ON a.celery_task_id = r.task_id WHERE a.task_id = %s
"""


def stops(stack: Stack, name: str) -> bool:
    """Whether the program ends in time when it is told to; by itself, in any case."""
    program, began = stack.programs[name], time.monotonic()
    stack.stop(name, seconds=PATIENCE)
    assert program.returncode != -signal.SIGKILL, "it ended by itself"
    return time.monotonic() - began < STOPS_WITHIN


@pytest.mark.slow
def test_stopped(patient: Stack) -> None:
    """The work is given back within seconds, spends no attempt, and the next worker does it."""
    assert any(is_given_back(patient) for _ in range(TRIES)), "in time, of three one"


def is_given_back(stack: Stack) -> bool:
    with stack.ledger_locked():
        batch = checks.running(stack)
        in_time = stops(stack, "worker")
        after = stack.task(batch)
        assert (after["status"], after["attempts"]) == ("PENDING", 0), stack.tails()
        assert stack.messages(batch)[-1][0] == "TSK-IN-003"
        stack.wait("its query is gone", lambda: checks.query_is_gone(stack, after["task"]))
    stack.start("worker")
    assert stack.wait_for_end(batch)["attempts"] == 1
    return in_time


@pytest.mark.slow
def test_stopped_while_its_children_stand_still(patient: Stack) -> None:
    """Celery would wait for them without end. The worker ends by itself, before a service manager kills it."""
    with patient.ledger_locked():
        batch = checks.running(patient)
        for child in patient.children("worker"):
            os.kill(child, signal.SIGSTOP)
        program = patient.programs["worker"]
        patient.stop("worker", seconds=KILLED_AFTER)
        assert program.returncode != -signal.SIGKILL, patient.tails()
        after = patient.task(batch)
        assert (after["status"], after["attempts"]) == ("PENDING", 0), patient.tails()
    patient.start("worker")
    assert patient.wait_for_end(batch)["attempts"] == 1


@pytest.mark.slow
def test_killed(stack: Stack) -> None:
    """Its children end with it, the lease ends, and the reaper gives the work to the next worker."""
    with stack.ledger_locked():
        batch = checks.running(stack)
        children = processes.births(stack.children("worker"))
        assert children
        stack.kill("worker")
        stack.wait("its children end", lambda: not processes.left(children))
    stack.start("worker")
    assert stack.wait_for_end(batch)["attempts"] == 2
    assert [code for code, _ in stack.messages(batch)] == ["TSK-IN-004"]


def test_cancelled(stack: Stack) -> None:
    """Final at once; the worker stops within five seconds, and so does the database."""
    assert any(is_cancelled_gently(stack) for _ in range(TRIES)), "of three one without force"


def is_cancelled_gently(stack: Stack) -> bool:
    """Whether it was over in time, and no process had to be ended for it."""
    with stack.ledger_locked():
        batch = checks.running(stack)
        task = stack.task(batch)["task"]
        children, began = set(stack.children("worker")), time.monotonic()
        answer = stack.request("DELETE", f"/api/generic/readconsumptionbatches/{batch}")
        assert answer.status_code == 202, answer.text
        assert stack.task(batch)["operation"] == "Cancelled"
        stack.wait("the query is gone", lambda: checks.query_is_gone(stack, task))
        in_time = time.monotonic() - began < 5
        assert stack.request("DELETE", f"/api/generic/readconsumptionbatches/{batch}").status_code == 409
    gently = set(stack.children("worker")) == children
    stack.wait_for_end(stack.start_export())
    return in_time and gently


@pytest.mark.slow
def test_cancelled_while_the_database_is_busy(stack: Stack) -> None:
    """More sessions compute without end than the machine has processors."""
    with stack.database_busy():
        assert any(is_cancelled_at_once(stack) for _ in range(TRIES)), "of three one in time"


def is_cancelled_at_once(stack: Stack) -> bool:
    with stack.ledger_locked():
        batch = checks.running(stack)
        began = time.monotonic()
        assert stack.request("DELETE", f"/api/generic/readconsumptionbatches/{batch}").status_code == 202
        answered = time.monotonic() - began
        assert stack.task(batch)["operation"] == "Cancelled"
        stack.wait("the query is gone", lambda: checks.query_is_gone(stack, stack.task(batch)["task"]))
        gone = time.monotonic() - began
    stack.wait_for_end(batch, "Cancelled")
    return answered < AT_ONCE and gone < 5


@pytest.mark.slow
def test_too_slow(stack: Stack) -> None:
    limits = {"TASK_SOFT_TIME_LIMIT": "2", "TASK_TIME_LIMIT": "20"}
    with stack.restarted_with("worker", **limits), stack.ledger_locked():
        batch = stack.start_export()
        stack.wait_for_end(batch, "Failed")
    (message,) = stack.messages(batch)
    assert message[0] == "TSK-FA-003"
    assert "longer than an operation may" in message[1]


@pytest.mark.slow
def test_too_slow_and_deaf(stack: Stack) -> None:
    """Who does not listen is killed by its worker; the reaper gives the work to another."""
    # Long enough for the second attempt on a busy machine, short enough for the first, which would sleep on.
    with stack.restarted_with("worker", TASK_SOFT_TIME_LIMIT="8", TASK_TIME_LIMIT="10"):
        stack.arm("export.chunk", "freeze 30")
        batch = stack.start_export()
        stack.wait("it stands still", lambda: not stack.is_armed("export.chunk"))
        stack.wait_for_end(batch)
        stack.wait("the worker ends it", lambda: "Hard time limit (10s) exceeded" in stack.log("worker").read_text())
    assert [code for code, _ in stack.messages(batch)] == ["TSK-IN-004"]


@pytest.mark.slow
@pytest.mark.parametrize("error", ["MemoryError", "SystemError", "RecursionError"])
def test_an_error_of_one_export_is_not_the_workers(stack: Stack, error: str) -> None:
    """Celery ends the whole worker when it sees a MemoryError."""
    worker = stack.programs["worker"].pid
    stack.arm("claimed", f"fail {error}")
    batch = stack.start_export()
    stack.wait_for_end(batch, "Failed")
    assert f"({error})" in stack.messages(batch)[-1][1]
    stack.wait_for_end(stack.start_export())
    assert stack.programs["worker"].pid == worker
    task = stack.task(batch)["task"]
    [(status, found)] = stack.wait("Celery keeps how it ended", lambda: stack.sql(RESULT, task))
    assert (status, error in found) == ("FAILURE", True), "Celery's log has it"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["web", "keeper", "beat", "worker"])
def test_who_is_told_to_stop_stops(stack: Stack, name: str) -> None:
    def in_time() -> bool:
        soon = stops(stack, name)
        stack.start(name)
        return soon

    assert any(in_time() for _ in range(TRIES)), "of three times one in time"


@pytest.mark.slow
def test_a_worker_that_stood_still_does_no_harm(stack: Stack) -> None:
    """Its machine slept, the work went to another, and then it wakes."""
    with stack.ledger_locked():
        batch = checks.running(stack)
        sleepers = stack.children("worker")
        for sleeper in sleepers:
            os.kill(sleeper, signal.SIGSTOP)
        stack.wait("the work is taken away", lambda: stack.task(batch)["status"] == "PENDING")
    for sleeper in sleepers:
        os.kill(sleeper, signal.SIGCONT)
    assert stack.wait_for_end(batch)["attempts"] == 2
