"""Everything that happened to one operation, in order: for the console. Reads what the others wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.urls import reverse

from audit.console.actions import subject_of
from audit.models import Entry
from datafiles.models import DataFile
from hypermedia.showing import Tone, duration, number, size
from jobs import registry
from jobs.callbacks.models import StatusReport
from jobs.callbacks.states import Verdict
from jobs.console.appearance import OUTCOME_TONES
from jobs.models import Message, Operation, TaskAttempt
from jobs.notifications import subscriptions
from jobs.notifications.console.appearance import outcome_in_words
from jobs.notifications.models import Attempt, Delivery, NotificationEvent
from jobs.notifications.states import Outcome

MOST = 200  # of each kind


@dataclass
class Moment:
    """One thing that happened. `gap` is the time since the one before, filled in at the end."""

    at: datetime
    tone: Tone
    what: str
    more: str = ""
    address: str = ""
    gap: str = field(default="", init=False)


def of(operation: Operation, *, messages: list[Message], attempts: list[TaskAttempt]) -> list[Moment]:
    """The oldest first. What is on the page anyway is handed in."""
    events = list(NotificationEvent.objects.filter(subject=path_of(operation)).order_by("pk")[:MOST])
    deliveries = list(Delivery.objects.filter(event__in=events).select_related("endpoint", "job").order_by("pk")[:MOST])
    found = [
        Moment(operation.creation_date, Tone.BUSY, f"Asked for by {operation.created_by}"),
        *_attempts(attempts),
        *_messages(messages),
        *_files(operation),
        *_events(events),
        *_calls(deliveries),
        *_reports(deliveries),
        *_acts(operation),
    ]
    return _with_gaps(sorted(found, key=lambda moment: moment.at))


def path_of(operation: Operation) -> str:
    """Where the operation lies below `/api/`."""
    return registry.of_model(type(operation)).path.format(id=operation.pk)


def _with_gaps(moments: list[Moment]) -> list[Moment]:
    for before, after in pairwise(moments):
        distance = after.at - before.at
        after.gap = f"+ {duration(distance)}" if distance >= timedelta(milliseconds=50) else ""
    return moments


def _attempts(attempts: list[TaskAttempt]) -> Iterator[Moment]:
    for index, one in enumerate(attempts, start=1):
        yield Moment(one.started_at, Tone.BUSY, f"Attempt {index} began", f"worker {one.owner}")
        if one.ended_at is not None:
            outcome = TaskAttempt.Outcome(one.outcome)
            lasted = f"after {duration(one.ended_at - one.started_at)}"
            yield Moment(
                one.ended_at, OUTCOME_TONES.get(outcome, Tone.QUIET), f"Attempt {index}: {outcome.label}", lasted
            )


def _messages(messages: list[Message]) -> Iterator[Moment]:
    for one in messages:
        tone = Tone.BAD if one.severity == Message.Severity.FATAL else Tone.QUIET
        yield Moment(one.creation_date, tone, one.text, one.code)


def _files(operation: Operation) -> Iterator[Moment]:
    set_id = getattr(operation, "data_file_set_id", None)
    if set_id is None:
        return
    address = reverse("admin:datafiles_datafileset_change", args=[set_id])
    for one in DataFile.objects.filter(data_file_set_id=set_id)[:MOST]:
        what = f"File {one.description or one.code}"
        more = f"{size(one.content_length)}, {number(one.row_count)} rows"
        yield Moment(one.creation_date, Tone.GOOD, what, more, address)
        if one.removed_at is not None:
            yield Moment(one.removed_at, Tone.QUIET, f"Removed: {what.lower()}")


def _events(events: list[NotificationEvent]) -> Iterator[Moment]:
    for one in events:
        address = reverse("admin:notifications_notificationevent_change", args=[one.pk])
        yield Moment(
            one.creation_date,
            Tone.QUIET,
            f"Event: {subscriptions.in_words(one.type, one.outcome)}",
            one.webhook_id,
            address,
        )


def _calls(deliveries: list[Delivery]) -> Iterator[Moment]:
    names = {one.pk: one.endpoint.name for one in deliveries}
    for call in Attempt.objects.filter(delivery__in=deliveries).defer("response_body").order_by("pk")[:MOST]:
        delivered = call.outcome == Outcome.DELIVERED
        tone = Tone.GOOD if delivered else Tone.BAD if call.ended_at else Tone.BUSY
        what = f"Sent to {names[call.delivery_id]}: {outcome_in_words(call)}"
        answered = f"answer {call.response_status}" if call.response_status else ""
        address = reverse("admin:notifications_delivery_change", args=[call.delivery_id])
        yield Moment(call.ended_at or call.started_at, tone, what, call.reason or answered, address)


_VERDICT_TONES = {Verdict.APPLIED: Tone.GOOD, Verdict.STALE: Tone.WAITING}


def _reports(deliveries: list[Delivery]) -> Iterator[Moment]:
    jobs = [one.job_id for one in deliveries if one.job_id]
    for one in StatusReport.objects.filter(job__in=jobs).select_related("user").order_by("pk")[:MOST]:
        what = f"{one.user or 'Somebody'} reported {one.received_status} on job {one.received_job_id}: {one.verdict}"
        address = reverse("admin:callbacks_statusreport_change", args=[one.pk])
        more = f"audit {one.pk}" + (f": {one.received_message[:200]}" if one.received_message else "")
        yield Moment(one.received_at, _VERDICT_TONES.get(Verdict(one.verdict), Tone.QUIET), what, more, address)


def _acts(operation: Operation) -> Iterator[Moment]:
    """What people did, from the trail. An act of the console has two entries: the one with the reason is shown."""
    subjects = [path_of(operation), subject_of(operation), subject_of(operation.task)]
    entries: list[Any] = list(Entry.objects.filter(subject__in=subjects).with_username().order_by("pk")[:MOST])
    by_hand = {one.request_id for one in entries if one.action.startswith("console.")}
    for one in entries:
        if one.action == "operation.start" or (one.action.startswith("operation.") and one.request_id in by_hand):
            continue
        who = one.username or "somebody"
        what = f"{who}: {one.action.partition('.')[2] or one.action}"
        refused = "" if one.result == Entry.Result.DONE else f"{one.get_result_display()} "
        yield Moment(one.at, Tone.WAITING, what, f"{refused}{one.detail.get('reason', '')}")
