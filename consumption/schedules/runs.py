"""One run of a schedule: started, refused or skipped, and written down either way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from consumption.exporting.series import LOST
from consumption.models import ReadConsumptionBatch
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.schedules.signals import run_refused
from consumption.services import start_export
from hypermedia.errors import DomainError
from hypermedia.readers import Role
from jobs.callbacks.credentials import reader_of, users
from jobs.states import OperationStatus

Outcome = ScheduledRun.Outcome


class OwnerWithoutRight(DomainError):
    """The schedule's owner may not start exports any more."""

    code = "SCH-IP-010"


class SeriesLost(DomainError):
    """Nobody can tell any more what is new since the last export."""

    code = "SCH-IP-011"


@transaction.atomic
def start(schedule: ExportSchedule, planned_at: datetime, *, requested_by_id: int | None = None) -> ScheduledRun | None:
    """Starts the export of a run and writes the run down; refused or skipped ones too, with the reason, and operators
    are told of a refusal. None when there was a run for this time already."""
    run, is_new = ScheduledRun.objects.get_or_create(
        schedule=schedule,
        planned_at=planned_at,
        defaults={"outcome": Outcome.STARTED, "requested_by_id": requested_by_id},
    )
    if not is_new:
        return None
    if (busy := _at_work(schedule)) is not None:
        return _end(run, Outcome.SKIPPED, f"Export {busy} was still at work. Nothing is lost: the next run brings it.")
    try:
        with transaction.atomic():
            run.export = _start_export(schedule, planned_at)
            run.save(update_fields=["export"])
    except DomainError as error:
        reason = f"{error} (Asked for on behalf of {schedule.owner.get_username()}.)"
        run_refused.send(sender=ScheduledRun, run=_end(run, Outcome.REFUSED, reason))
    return run


def skip(schedule: ExportSchedule, missed: Sequence[datetime]) -> None:
    """Writes down, once for all of them, that these times are over and nobody will run them."""
    text = "The service did not plan at that time."
    if len(missed) > 1:
        text = f"{len(missed)} runs since {missed[0]:%Y-%m-%d %H:%M} UTC. The service did not plan at that time."
    ScheduledRun.objects.get_or_create(
        schedule=schedule, planned_at=missed[-1], defaults={"outcome": Outcome.SKIPPED, "reason": text}
    )


def may_own(user_id: int) -> bool:
    """Whether this user may start exports, so that a schedule can do it on the user's behalf."""
    user = users().filter(pk=user_id).first()
    return user is not None and reader_of(user).has(Role.CLIENT, Role.OPERATOR)


def _start_export(schedule: ExportSchedule, planned_at: datetime) -> ReadConsumptionBatch:
    if not may_own(schedule.owner_id):
        name = schedule.owner.get_username()
        raise OwnerWithoutRight(f"Its owner {name} may not start exports: inactive, or neither client nor operator.")
    window = schedule.window(planned_at)
    series = schedule.series if schedule.continues else None
    if series is not None and series.is_lost:
        raise SeriesLost(LOST.text)
    return start_export(
        user_id=schedule.owner_id,
        transaction_start=window.start,
        transaction_end=window.end,
        limit_codes=schedule.limit_codes,
        format=schedule.format or None,
        compression=schedule.compression or None,
        series=series,
    )


def _at_work(schedule: ExportSchedule) -> int | None:
    """The export of the schedule's series that has not ended yet."""
    if not schedule.continues:
        return None
    running = ReadConsumptionBatch.objects.filter(series_id=schedule.series_id, status=OperationStatus.IN_PROGRESS)
    return running.values_list("pk", flat=True).first()


def _end(run: ScheduledRun, outcome: str, reason: str) -> ScheduledRun:
    run.outcome, run.reason = outcome, reason
    run.save(update_fields=["outcome", "reason"])
    return run
