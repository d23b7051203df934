"""Joins what may not know each other: the engine's ends become events, refused schedules become alarms, and due
deliveries ring at the broker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from consumption.schedules.models import ScheduledRun
from consumption.schedules.signals import run_refused
from datafiles.links import data_path, set_path
from datafiles.models import DataFileSet
from jobs import doorbell, registry
from jobs.notifications import outbox, subscriptions
from jobs.notifications.models import Alarm
from jobs.notifications.signals import deliveries_due
from jobs.registry import LongRunningOperation
from jobs.signals import operation_ended
from jobs.states import OPERATION_STATUS, TaskStatus


def connect() -> None:
    """Called once, when Django is ready."""
    subscriptions.register(event_types)
    operation_ended.connect(store_event, dispatch_uid="config.wiring.store_event")
    run_refused.connect(alarm_operators, dispatch_uid="config.wiring.alarm_operators")
    deliveries_due.connect(ring, dispatch_uid="config.wiring.ring")


def event_types() -> dict[str, str]:
    return {one.code: one.description for one in registry.all_operations() if one.sends_events}


def store_event(
    *, operation: LongRunningOperation, subject_id: int, status: TaskStatus, changes: Mapping[str, Any], **_: Any
) -> None:
    """The event of an operation that ended, in the transaction that ended it."""
    if not operation.sends_events:
        return
    outcome = OPERATION_STATUS[status]
    links = [("operator:subject", operation.path.format(id=subject_id))]
    if status is TaskStatus.COMPLETED:
        links += result_links(changes.get("data_file_set"))
    outbox.operation_ended(event_type=operation.code, outcome=outcome, links=links)


def alarm_operators(*, run: ScheduledRun, **_: Any) -> None:
    """The alarm of a scheduled export that was not started, in the transaction that writes that down."""
    text = f"Schedule {run.schedule} did not start its export of {run.planned_at:%Y-%m-%d %H:%M} UTC. {run.reason}"
    outbox.raise_alarm(Alarm.Kind.SCHEDULE_REFUSED, text, run.schedule.page)


def result_links(data_file_set: DataFileSet | None) -> list[outbox.Link]:
    """`datafileset`, and one `file` for each of its files."""
    if data_file_set is None:
        return []
    code = data_file_set.code
    files = [("file", data_path(code, file_code)) for file_code in data_file_set.file_codes()]
    return [("datafileset", set_path(code)), *files]


def ring(*, endpoint_id: int, **_: Any) -> bool:
    """One message: this endpoint has deliveries that are due."""
    from jobs.notifications.tasks import deliver

    return doorbell.publish(
        lambda: deliver.apply_async(kwargs={"endpoint_id": endpoint_id}, **doorbell.OPTIONS), f"endpoint {endpoint_id}"
    )
