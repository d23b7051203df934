"""The checks bite: with a guard of the service taken out, each of them is reported; and the same story with the guard
in its place, told first and on the same servers, leaves nothing to report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults import checks, history, processes
from tests.faults.servers import PATIENCE
from tests.faults.stack import END_STATES, Stack
from tests.faults.test_planner import due

pytestmark = pytest.mark.slow
PLAN = "from consumption.schedules.planner import plan; plan()"
PROGRAMS = ("web", "worker", "keeper", "beat")
SOON = 15.0  # seconds in which a lost message is missed by now; far more than it takes


@pytest.fixture
def stack() -> Iterator[Stack]:
    with Stack() as stack:
        stack.start(*PROGRAMS)
        stack.warm_up()
        yield stack


def without(stack: Stack, guard: str) -> None:
    """The same service from now on without this guard."""
    stack.stop(*[name for name in (*PROGRAMS, "keeper2", "beat2") if name in stack.programs])
    stack.settings |= {"DJANGO_SETTINGS_MODULE": "tests.faults.planted.settings", "PLANTED": guard}
    if guard == "constraint":
        stack.sql("ALTER TABLE schedules_scheduledrun DROP CONSTRAINT planned_once")
    stack.start(*PROGRAMS)


def patience(stack: Stack, seconds: float) -> float:
    """How long to wait for what a missing guard makes happen; with it in place it never does."""
    return PATIENCE if "PLANTED" in stack.settings else seconds


def a_worker_that_wakes_too_late(stack: Stack) -> list[str]:
    """For the fence: its file is ready, its lease is over, and another attempt is on its way."""
    stack.arm("file.renamed", "freeze 90")
    batch = stack.start_export()
    stack.wait("it sleeps", lambda: not stack.is_armed("file.renamed"))
    with stack.ledger_locked():
        stack.wait("another attempt is on its way", lambda: stack.task(batch)["epoch"] >= 3)
        processes.wake(stack.groups())
        with suppress(AssertionError):  # as it should be
            stack.wait("it ends the task", lambda: stack.task(batch)["status"] in END_STATES, patience(stack, 3))
    return found(stack, batch)


def a_lost_message(stack: Stack) -> list[str]:
    """For the sweep."""
    stack.stop("worker")
    batch = stack.start_export()
    stack.empty_broker()
    stack.start("worker")
    return found(stack, batch, SOON if "PLANTED" in stack.settings else PATIENCE)


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
            stack.wait("another worker has it", lambda: stack.task(batch)["epoch"] >= 3, patience(stack, 5))
        processes.wake(stack.groups())
        with suppress(AssertionError):  # as it should be
            stack.wait("the sweep takes it away", lambda: stack.task(batch)["epoch"] > 3, patience(stack, 3))
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


def found(stack: Stack, batch: int, seconds: float = PATIENCE) -> list[str]:
    """What the checks have to say."""
    try:
        checks.everything_ends(stack, since=batch - 1, accepted=[batch], seconds=seconds)
        checks.no_orphans(stack)
    except AssertionError as error:
        return [str(error)]
    return history.faults(stack.place.database_url)


@pytest.mark.parametrize("guard", STORIES)
def test_the_checks_bite(stack: Stack, guard: str) -> None:
    story = STORIES[guard]
    assert story(stack) == [], "with every guard in its place there is nothing to report"
    without(stack, guard)
    assert story(stack) != [], f"nobody noticed that the {guard} is gone"
