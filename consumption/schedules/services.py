"""What administrators and operators do with schedules. Each function is one transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.services import record
from consumption.models import ExportSeries
from consumption.schedules import cron, runs
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.schedules.planner import database_time
from consumption.services import format_rules, limit_rules
from hypermedia.errors import Conflict, NotFound, ResultMessage, RuleBroken

# What the planner and the actions change; the form of a schedule leaves it alone.
_NOT_EDITED = {"id", "created_by", "creation_date", "series", "paused", "next_run_at", "version"}


def broken_rules(schedule: ExportSchedule) -> list[ResultMessage]:
    """Everything that is wrong with a schedule as it should become; a pointer names the field."""
    return [
        *cron.broken_rules(schedule.cron, schedule.time_zone),
        *(limit_rules(schedule.owner_id, schedule.limit_codes) if schedule.owner_id else ()),
        *format_rules(schedule.format or None),
        *_owner_rules(schedule),
        *_series_rules(schedule),
    ]


@transaction.atomic
def store(*, schedule: ExportSchedule, user_id: int) -> ExportSchedule:
    """Makes a schedule, or changes one to what it should become.

    Raises RuleBroken with every broken rule; then nothing is stored.
    """
    if broken := broken_rules(schedule):
        raise RuleBroken(*broken)
    schedule.last_updated_by_id = user_id
    if schedule.continues and schedule.series_id is None:
        schedule.series = ExportSeries.objects.create()
    if schedule.pk is None:
        schedule.created_by_id = user_id
        schedule.next_run_at = _next_from_now(schedule)
        schedule.save(force_insert=True)
        record("schedule.add", user_id=user_id, subject=schedule.page)
        return schedule
    before = locked(schedule.pk)  # whoever plans it now comes first
    edited = {field.name for field in schedule._meta.concrete_fields} - _NOT_EDITED
    schedule.save(update_fields=[*edited, "series"])
    same_times = (before.cron, before.time_zone) == (schedule.cron, schedule.time_zone)
    record("schedule.change", user_id=user_id, subject=schedule.page)
    return _changed(schedule.pk, user_id, next_run_at=before.next_run_at if same_times else _next_from_now(schedule))


@transaction.atomic
def pause(*, schedule_id: int, user_id: int) -> ExportSchedule:
    """No run is due until it is resumed. Raises NotFound, Conflict."""
    schedule = locked(schedule_id)
    if schedule.paused:
        raise Conflict("The schedule is paused already.")
    record("schedule.pause", user_id=user_id, subject=schedule.page)
    return _changed(schedule_id, user_id, paused=True)


@transaction.atomic
def resume(*, schedule_id: int, user_id: int) -> ExportSchedule:
    """Goes on with the next run; those of the meantime were not missed. Raises NotFound, Conflict."""
    schedule = locked(schedule_id)
    if not schedule.paused:
        raise Conflict("The schedule is not paused.")
    record("schedule.resume", user_id=user_id, subject=schedule.page)
    return _changed(schedule_id, user_id, paused=False, next_run_at=_next_from_now(schedule))


@transaction.atomic
def run_now(*, schedule_id: int, user_id: int) -> ScheduledRun:
    """A run besides the planned ones, as of now, paused or not; what became of it stands in the run.
    Raises NotFound, Conflict."""
    moment = database_time().replace(microsecond=0)
    schedule = locked(schedule_id)
    run = runs.start(schedule, moment, requested_by_id=user_id)
    if run is None:
        raise Conflict("The schedule has a run of this second already.")
    record("schedule.run", user_id=user_id, subject=schedule.page)
    return run


@transaction.atomic
def begin_anew(*, schedule_id: int, user_id: int) -> ExportSchedule:
    """The next run of a series brings everything since its beginning once more. Raises NotFound, Conflict."""
    schedule = locked(schedule_id)
    if not schedule.continues:
        raise Conflict("Each run of this schedule is about a period; there is nothing to begin anew.")
    record("schedule.begin-anew", user_id=user_id, subject=schedule.page)
    return _changed(schedule_id, user_id, series=ExportSeries.objects.create())


@transaction.atomic
def acknowledge(*, run_id: int) -> None:
    """Takes a refused run from what needs an operator. Raises NotFound, Conflict."""
    found = ScheduledRun.objects.filter(pk=run_id)
    if not found.needing_a_look().update(acknowledged=True):
        if not found.exists():
            raise NotFound(f"There is no scheduled run {run_id}.")
        raise Conflict("The run was not refused, or somebody has let it be already. Nothing was changed.")


def unseen_before(schedule: ExportSchedule, before: Collection[str] | None, after: Collection[str] | None) -> str:
    """What such a change of limits (None: all) leaves out of the exports of a series that has begun; empty: nothing."""
    begun = schedule.continues and schedule.series is not None and schedule.series.snapshot_at is not None
    added = set() if before is None or after is None else set(after) - set(before)
    if not begun or before is None or (after is not None and not added):
        return ""
    which = f"the added limits ({', '.join(sorted(added))})" if added else "the other limits"
    return (
        f"Entries of {which} from before the last completed run are in no export: each run brings only what is new"
        " since then. Choose Begin anew to have everything once more."
    )


def locked(schedule_id: int) -> ExportSchedule:
    """The schedule, until the end of the transaction nobody else's. Raises NotFound."""
    schedule = ExportSchedule.objects.select_for_update().filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFound(f"There is no export schedule {schedule_id}.")
    return schedule


def _changed(schedule_id: int, user_id: int, **values: object) -> ExportSchedule:
    this = ExportSchedule.objects.filter(pk=schedule_id)
    this.update(version=F("version") + 1, last_updated_by_id=user_id, last_updated_date=Now(), **values)
    return this.get()


def _next_from_now(schedule: ExportSchedule) -> datetime | None:
    return cron.next_due(schedule.cron, schedule.time_zone, database_time())


def _owner_rules(schedule: ExportSchedule) -> list[ResultMessage]:
    if schedule.owner_id is not None and runs.may_own(schedule.owner_id):
        return []
    text = "The owner has to be an active user who may start exports: a client or an operator."
    return [ResultMessage("SCH-IP-003", text, "/owner")]


def _series_rules(schedule: ExportSchedule) -> list[ResultMessage]:
    broken = []
    if schedule.continues and schedule.missed == ExportSchedule.Missed.ALL:
        text = "One run brings everything new, so there is nothing left for the others: choose to run the latest."
        broken.append(ResultMessage("SCH-IP-004", text, "/missed"))
    if schedule.begin is not None and not schedule.continues:
        text = "A beginning goes with everything new since the last success only; leave it empty."
        broken.append(ResultMessage("SCH-IP-005", text, "/begin"))
    return broken
