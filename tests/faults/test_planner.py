"""A planner that dies, stops, freezes or fails between what it wrote and its commit: each run becomes one export."""

from __future__ import annotations

import pytest

from tests.faults import checks, processes
from tests.faults.stack import Stack
from tests.faults.test_failpoints import ACTIONS

# Everything there is, so that the oracle knows what has to be in the file. Due for a minute already.
_SCHEDULE = """
    WITH series AS (INSERT INTO consumption_exportseries DEFAULT VALUES RETURNING id)
    INSERT INTO schedules_exportschedule
           (name, owner_id, window_rule, cron, time_zone, format, compression, missed, paused, next_run_at, series_id,
            created_by_id, last_updated_by_id, version)
    SELECT 'crash ' || series.id, u.id, 'SINCE', '0 0 29 2 *', 'UTC', '', '', 'ONE', false,
           date_trunc('minute', now()) - interval '1 minute', series.id, u.id, u.id, 1
      FROM auth_user u, series WHERE u.username = 'testuser1'
    RETURNING id
"""
_RUNS = "SELECT export_id, outcome FROM schedules_scheduledrun WHERE schedule_id = %s"
_PLAN = "from consumption.schedules.planner import plan; print('started', plan())"


def due(stack: Stack) -> int:
    """A schedule with one run that is due; its id."""
    return int(stack.value(_SCHEDULE))


def knock(stack: Stack) -> None:
    """As beat does, without waiting for the minute."""
    stack.send("consumption.schedules.tasks.plan", "housekeeping")


def is_planned(stack: Stack, schedule: int) -> bool:
    """Knocks again where a knock was lost with its planner."""
    stack.mend()
    if not stack.sql(_RUNS, schedule):
        knock(stack)
    return bool(stack.sql(_RUNS, schedule))


@pytest.mark.parametrize(
    "action",
    [pytest.param(action, marks=() if action == "kill" else pytest.mark.slow) for action in ACTIONS],
)
def test_between_insert_and_commit(stack: Stack, action: str) -> None:
    since, planner = checks.newest(stack), stack.programs["keeper"].pid
    stack.arm("plan.commit", action)
    schedule = due(stack)
    knock(stack)
    stack.wait("a planner came by", lambda: not stack.is_armed("plan.commit"))
    stack.wait("the run is planned", lambda: is_planned(stack, schedule))
    ends = checks.everything_ends(stack, since=since, accepted=[])
    assert list(ends.values()) == ["Completed"]
    assert stack.sql(_RUNS, schedule) == [(next(iter(ends)), "started")]
    assert action != "kill" or stack.programs["keeper"].pid != planner


@pytest.mark.slow
def test_two_planners_at_once(stack: Stack) -> None:
    """The second finds the schedule taken and leaves it to the first, which stands still before its commit."""
    since = checks.newest(stack)
    stack.arm("plan.commit", "freeze 90")
    schedule = due(stack)
    knock(stack)
    stack.wait("the first stands still", lambda: not stack.is_armed("plan.commit") and not stack.nobody_frozen())
    assert "started 0" in stack.manage("shell", "-v", "0", "-c", _PLAN)
    assert not stack.sql(_RUNS, schedule)
    processes.wake(stack.groups())
    stack.wait("the run is planned", lambda: stack.sql(_RUNS, schedule))
    assert "started 0" in stack.manage("shell", "-v", "0", "-c", _PLAN)
    assert list(checks.everything_ends(stack, since=since, accepted=[]).values()) == ["Completed"]
    assert len(stack.sql(_RUNS, schedule)) == 1
