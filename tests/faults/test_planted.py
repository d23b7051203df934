"""The checks bite: with a guard of the service taken out, each of them is reported; with all in place, none is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults import checks, history, processes
from tests.faults.stack import END_STATES, Stack
from tests.faults.test_planner import due

pytestmark = pytest.mark.slow
PLAN = "from consumption.schedules.planner import plan; plan()"
SOON = 15.0  # seconds in which everything has to end; far more than it takes


@pytest.fixture(scope="module", params=["none", "fence", "sweep", "rename", "condition", "constraint"])
def planted(request: pytest.FixtureRequest) -> Iterator[tuple[Stack, str]]:
    with Stack() as stack:
        if request.param != "none":
            stack.settings |= {"DJANGO_SETTINGS_MODULE": "tests.faults.planted.settings", "PLANTED": request.param}
        if request.param == "constraint":
            stack.sql("ALTER TABLE schedules_scheduledrun DROP CONSTRAINT planned_once")
        stack.start("web", "worker", "keeper", "beat")
        stack.warm_up()
        yield stack, request.param


def a_worker_that_wakes_too_late(stack: Stack) -> list[str]:
    """For the fence: its file is ready, its lease is over, and another attempt is on its way."""
    stack.arm("file.renamed", "freeze 90")
    batch = stack.start_export()
    stack.wait("it sleeps", lambda: not stack.is_armed("file.renamed"))
    with stack.ledger_locked():
        stack.wait("another attempt is on its way", lambda: stack.task(batch)["epoch"] >= 3)
        processes.wake(stack.groups())
        with suppress(AssertionError):  # as it should be
            stack.wait("it ends the task", lambda: stack.task(batch)["status"] in END_STATES, 3)
    return found(stack, batch)


def a_lost_message(stack: Stack) -> list[str]:
    """For the sweep."""
    stack.stop("worker")
    batch = stack.start_export()
    stack.empty_broker()
    stack.start("worker")
    return found(stack, batch)


def a_worker_killed_while_it_writes(stack: Stack) -> list[str]:
    """For the rename."""
    stack.arm("export.chunk", "kill")
    batch = stack.start_export()
    return found(stack, batch)


def a_sweep_that_is_late(stack: Stack) -> list[str]:
    """For the condition of the reaper: while it sleeps between its look and its deed, a second one takes the task, and
    another worker has it."""
    stack.start("keeper2", "beat2")
    stack.arm("reap.commit", "freeze 90")
    stack.arm("export.chunk", "kill")
    batch = stack.start_export()
    stack.wait("a sweep sleeps", lambda: not stack.is_armed("reap.commit"))
    with stack.ledger_locked():
        with suppress(AssertionError):  # as it should be: the deed came with the look, and the sleeper holds the row
            stack.wait("another worker has it", lambda: stack.task(batch)["epoch"] >= 3, 15)
        processes.wake(stack.groups())
        with suppress(AssertionError):  # as it should be
            stack.wait("the sweep takes it away", lambda: stack.task(batch)["epoch"] > 3, 5)
    return found(stack, batch)


def a_run_planned_again(stack: Stack) -> list[str]:
    """For the constraint: somebody sets the schedule back to a time whose run is there."""
    schedule = due(stack)
    for _ in range(2):
        stack.sql("UPDATE schedules_exportschedule SET next_run_at = '2026-01-01T00:00Z' WHERE id = %s", schedule)
        stack.manage("shell", "--command", PLAN)
    return found(stack, checks.newest(stack))


STORIES = {
    "fence": a_worker_that_wakes_too_late,
    "sweep": a_lost_message,
    "rename": a_worker_killed_while_it_writes,
    "condition": a_sweep_that_is_late,
    "constraint": a_run_planned_again,
}


def found(stack: Stack, batch: int) -> list[str]:
    """What the checks have to say."""
    try:
        checks.everything_ends(stack, since=batch - 1, accepted=[batch], seconds=SOON)
        checks.no_orphans(stack)
    except AssertionError as error:
        return [str(error)]
    return history.faults(stack.place.database_url)


def test_the_checks_bite(planted: tuple[Stack, str]) -> None:
    stack, guard = planted
    for story in STORIES if guard == "none" else [guard]:
        told = STORIES[story](stack)
        assert bool(told) == (guard != "none"), told
