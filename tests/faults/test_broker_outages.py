"""The broker is a doorbell: without it work is accepted at once, and done when it is back."""

from __future__ import annotations

import time
from statistics import median

import pytest

from tests.faults.stack import Stack

AT_ONCE = 3.0  # seconds until 201, whatever the broker does; its clients would wait for five
LONGER_THAN_ITS_CLIENTS_WAIT = 7.0  # seconds


def at_once(stack: Stack, seconds: float = 0) -> list[int]:
    """Five exports, and more until so much time has passed, each of them accepted at once. The median says so: now and
    then a busy machine is late, a broker that is waited for makes all of them late."""
    began = time.monotonic()
    batches: list[int] = []
    took: list[float] = []
    while len(batches) < 5 or time.monotonic() - began < seconds:
        asked = time.monotonic()
        batches.append(stack.start_export())
        took.append(time.monotonic() - asked)
    assert median(took) < AT_ONCE, took
    return batches


def test_down(stack: Stack) -> None:
    with stack.broker_down():
        batches = at_once(stack)
        assert {stack.task(batch)["status"] for batch in batches} == {"PENDING"}
    for batch in batches:
        stack.wait_for_end(batch)


@pytest.mark.slow
def test_unresponsive(stack: Stack) -> None:
    """It accepts connections and never answers; more POSTs than publishes may hang at once."""
    with stack.broker_frozen():
        batches = at_once(stack, LONGER_THAN_ITS_CLIENTS_WAIT)
    for batch in batches:
        stack.wait_for_end(batch)


@pytest.mark.slow
def test_emptied(stack: Stack) -> None:
    """Every message is lost, and what Celery keeps there about its queues too."""
    stack.stop("worker")
    waiting = stack.start_export()
    stack.empty_broker()
    stack.start("worker")
    stack.wait_for_end(waiting)
    stack.empty_broker()
    stack.wait_for_end(stack.start_export())


@pytest.mark.slow
def test_restarted_while_an_export_runs(stack: Stack) -> None:
    """It goes on: the worker needs the broker only to hear of the next one."""
    with stack.ledger_locked():
        running = stack.start_export()
        stack.wait("it runs", lambda: stack.task(running)["status"] == "PROCESSING")
        with stack.broker_down():
            waiting = at_once(stack)
    assert stack.wait_for_end(running)["attempts"] == 1
    for batch in waiting:
        stack.wait_for_end(batch)


@pytest.mark.slow
def test_a_late_or_doubled_message_leaves_no_trace(stack: Stack) -> None:
    stack.stop("worker")
    stack.start("worker")
    batch = stack.start_export()
    task = stack.wait_for_end(batch)["task"]
    stack.wait("its result is kept", lambda: stack.is_through(1))
    before = results(stack)
    for _ in range(3):
        stack.send("jobs.tasks.run", "operations", task_id=task)
    stack.wait("they are heard", lambda: stack.is_through(4))
    assert results(stack) == before
    assert stack.task(batch)["attempts"] == 1


def results(stack: Stack) -> int:
    """How many rows the log of attempts has. None of them is a sweep's."""
    assert stack.value("SELECT count(*) FROM django_celery_results_taskresult WHERE task_name <> 'jobs.tasks.run'") == 0
    return int(stack.value("SELECT count(*) FROM django_celery_results_taskresult"))
