"""What is due becomes exports. Beat only knocks; whoever hears it plans, and any number of planners does no harm:

* a schedule is planned under a lock on its row, and whoever finds it locked leaves it to the other;
* a run, its export and the schedule's next time are written in one transaction;
* a second run of the same schedule and time breaks a unique constraint, and nothing of it stays.

The time is the database's: a machine whose clock is wrong plans nothing wrong.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime
from itertools import takewhile

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction

from consumption.schedules import cron, runs
from consumption.schedules.models import ExportSchedule
from hypermedia.failpoints import hit

logger = logging.getLogger(__name__)

MOST_RUNS = 31  # that one schedule catches up with at once: a month of days
_COUNTED = 10_000  # times that came while nobody planned; older ones than these are forgotten
_SCHEDULES_AT_ONCE = 200


def plan(now: datetime | None = None) -> int:
    """Plans every schedule that is due; how many exports started."""
    now = now or database_time()
    due = ExportSchedule.objects.due(now).order_by("next_run_at").values_list("pk", flat=True)
    return sum(_plan_if_possible(pk, now) for pk in due[:_SCHEDULES_AT_ONCE])


def database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _plan_if_possible(schedule_id: int, now: datetime) -> int:
    """One schedule that cannot be planned stays due, and does not keep the others from their turn."""
    try:
        return _plan(schedule_id, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("schedule %s could not be planned; it stays due", schedule_id)
        return 0


@transaction.atomic
def _plan(schedule_id: int, now: datetime) -> int:
    """Plans one schedule, unless another planner is at it; how many exports started."""
    schedule = ExportSchedule.objects.select_for_update(skip_locked=True).due(now).filter(pk=schedule_id).first()
    if schedule is None:
        return 0
    started = _run_what_is_due(schedule, now)
    schedule.next_run_at = cron.next_due(schedule.cron, schedule.time_zone, now)
    schedule.save(update_fields=["next_run_at"])
    hit("plan.commit")
    return started


def _run_what_is_due(schedule: ExportSchedule, now: datetime) -> int:
    due = _due(schedule, now)
    wanted = _wanted(schedule, due, now)
    if missed := due[: len(due) - len(wanted)]:
        runs.skip(schedule, missed)
    started = [runs.start(schedule, moment) for moment in wanted]
    return sum(run is not None and run.export_id is not None for run in started)


def _due(schedule: ExportSchedule, now: datetime) -> list[datetime]:
    """The times from `next_run_at` to `now`; the latest of them, if there are very many."""
    assert schedule.next_run_at is not None  # it was due
    later = cron.due_after(schedule.cron, schedule.time_zone, schedule.next_run_at)
    return list(deque((schedule.next_run_at, *takewhile(lambda moment: moment <= now, later)), maxlen=_COUNTED))


def _wanted(schedule: ExportSchedule, due: list[datetime], now: datetime) -> list[datetime]:
    """Which of them to run, the latest ones. One that is only a little late was not missed."""
    if schedule.missed == ExportSchedule.Missed.ONE:
        return due[-1:]
    if schedule.missed == ExportSchedule.Missed.SKIP:
        due = [moment for moment in due if now - moment <= settings.SCHEDULE_LATE]
    return due[-MOST_RUNS:]
