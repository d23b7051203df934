"""Raising alarms, watching for integrations that fall silent, and telling operators by e-mail."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.functions import Now

from hypermedia.links import href
from jobs.callbacks.models import IntegrationJob
from jobs.callbacks.states import Status
from jobs.notifications.models import Alarm, Delivery, NotificationEndpoint
from jobs.notifications.outbox import is_alarm, raise_alarm

logger = logging.getLogger(__name__)

_BATCH = 200
_MAILED_LINES = 50


def delivery_given_up(delivery: Delivery, reason: str) -> None:
    text = f"Event {delivery.event.webhook_id} was not delivered to {delivery.endpoint.name}. {reason}"
    tell = not is_alarm(delivery.event)
    raise_alarm(Alarm.Kind.DELIVERY_FAILED, text, delivery.path, tell=tell, endpoint=delivery.endpoint)


def endpoint_disabled(endpoint: NotificationEndpoint, reason: str) -> None:
    text = f"Endpoint {endpoint.name} was switched off. {reason} Enable it once it is mended, then recover."
    raise_alarm(Alarm.Kind.ENDPOINT_DISABLED, text, f"notificationendpoints/{endpoint.pk}", endpoint=endpoint)


def watch_for_silence() -> int:
    """Flags the jobs whose integration did not report in time; how many.

    A job has two limits, both counted from the delivery: its first report, and its end.
    """
    due = Delivery.objects.filter(silence_due_at__lte=Now()).order_by("silence_due_at").values_list("pk", flat=True)
    return sum(_look_at(delivery_id) for delivery_id in due[:_BATCH])


@transaction.atomic
def _look_at(delivery_id: int) -> bool:
    delivery = (
        Delivery.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("job", "endpoint")
        .filter(pk=delivery_id, silence_due_at__lte=Now())
        .first()
    )
    if delivery is None:
        return False
    end_due = _end_due(delivery)
    Delivery.objects.filter(pk=delivery.pk).update(silence_due_at=end_due)
    job = delivery.job
    if job is None or job.status in {Status.COMPLETED, Status.FAILED}:
        Delivery.objects.filter(pk=delivery.pk).update(silence_due_at=None)
        return False
    if job.status == Status.STARTED and end_due is not None:
        return False
    missing = "its end" if end_due is None else "its start"
    seconds = delivery.endpoint.expected_seconds if end_due is None else settings.JOB_START_SECONDS
    IntegrationJob.objects.filter(pk=job.pk).update(flagged=True)
    text = (
        f"{delivery.endpoint.name} did not report {missing} of job {job.job_id} "
        f"within {timedelta(seconds=seconds)} of the delivery."
    )
    raise_alarm(Alarm.Kind.INTEGRATION_SILENT, text, delivery.path, endpoint=delivery.endpoint, job=job)
    return True


def _end_due(delivery: Delivery) -> object:
    """When the job has to be over, or None when that is past: then there is nothing more to watch for."""
    assert delivery.delivered_at is not None  # silence is watched from the delivery on
    end = delivery.delivered_at + timedelta(seconds=delivery.endpoint.expected_seconds)
    return end if delivery.silence_due_at is not None and end > delivery.silence_due_at else None


def mail_operators() -> int:
    """Sends the alarms that were not mailed yet, all in one mail; how many. At least once: a mail may come twice.

    Without OPERATOR_EMAILS nothing is sent, and the alarms stay in the console.
    """
    if not settings.OPERATOR_EMAILS:
        return 0
    with transaction.atomic():
        waiting = Alarm.objects.select_for_update(skip_locked=True).filter(mailed_at=None).order_by("pk")
        alarms = list(waiting[:_BATCH])
        if not alarms:
            return 0
        try:
            send_mail(_subject(alarms), _text(alarms), None, settings.OPERATOR_EMAILS)
        except OSError as error:  # smtplib's are OSErrors too; the next sweep tries again
            logger.warning("%s alarms could not be mailed (%s)", len(alarms), type(error).__name__)
            return 0
        Alarm.objects.filter(pk__in=[alarm.pk for alarm in alarms]).update(mailed_at=Now())
    return len(alarms)


def _subject(alarms: list[Alarm]) -> str:
    first = f"Tallyport: {alarms[0].get_kind_display()}"
    return first if len(alarms) == 1 else f"{first} and {len(alarms) - 1} more"


def _text(alarms: list[Alarm]) -> str:
    lines = [f"{alarm.text}\n{href(alarm.subject)}" for alarm in alarms[:_MAILED_LINES]]
    if len(alarms) > _MAILED_LINES:
        lines.append(f"... and {len(alarms) - _MAILED_LINES} more; the console lists all of them.")
    return "\n\n".join(lines) + "\n"
