"""Forgetting: events with their deliveries and attempts, and alarms, after a time. In small steps."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from jobs.notifications.models import Alarm, Delivery, NotificationEvent
from jobs.notifications.states import DeliveryStatus

_CHUNK = 500
_MOST_CHUNKS = 100  # a run ends after these; the next one goes on


def forget_old() -> int:
    """Removes what is older than NOTIFICATION_RETENTION, except events that still wait for an endpoint; how many
    events and alarms went."""
    before = Now() - settings.NOTIFICATION_RETENTION
    waiting = Delivery.objects.filter(
        event=OuterRef("pk"), status__in=[DeliveryStatus.PENDING, DeliveryStatus.SENDING], endpoint__active=True
    )
    events = NotificationEvent.objects.filter(~Exists(waiting), creation_date__lt=before)
    return _in_chunks(events) + _in_chunks(Alarm.objects.filter(created_at__lt=before))


def _in_chunks(rows: QuerySet[Any]) -> int:
    gone = 0
    for _ in range(_MOST_CHUNKS):
        chunk = list(rows.order_by("pk").values_list("pk", flat=True)[:_CHUNK])
        if not chunk:
            break
        rows.model._default_manager.filter(pk__in=chunk).delete()
        gone += len(chunk)
    return gone
