"""The collections of notifications, and what may be searched in them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from hypermedia.collections import Collection
from hypermedia.filters import BOOLEAN, DATE_TIME, INTEGER, TEXT, Field, Kind, one_of
from hypermedia.links import href
from hypermedia.readers import Reader
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.serializers import attempt_document, delivery_document, endpoint_document, event_document
from jobs.notifications.states import DeliveryStatus, Outcome
from jobs.notifications.subscriptions import OUTCOMES


def _path_of(address: str) -> str:
    """What lies below `/api/`, as events keep it. Raises ValueError for an address that is not ours."""
    root = href("")
    if not address.startswith(root):
        raise ValueError(address)
    return address.removeprefix(root)


_ADDRESS = Kind("an address of this service in single quotes", quoted=True, operators=("eq", "in"), read=_path_of)
_ID = Field("id", INTEGER, sortable=True, rare=True)


def _everything(rows: QuerySet[Any]) -> list[Any]:
    return list(rows)


ENDPOINTS = Collection(
    path="notificationendpoints",
    fields={"id": _ID, "name": Field("name", TEXT), "url": Field("url", TEXT), "active": Field("active", BOOLEAN)},
    visible=lambda reader: NotificationEndpoint.objects.select_related("integration_user"),
    rows=_everything,
    document=endpoint_document,
)
EVENTS = Collection(
    path="notificationevents",
    fields={
        "id": _ID,
        "webhookId": Field("webhook_id", TEXT, rare=True),
        "eventType": Field("type", TEXT, indexed=True),
        "outcome": Field("outcome", one_of(*OUTCOMES), indexed=True),
        "subject": Field("subject", _ADDRESS, rare=True),
        "creationDate": Field("creation_date", DATE_TIME, sortable=True),
    },
    visible=lambda reader: NotificationEvent.objects.all(),
    rows=_everything,
    document=event_document,
)
DELIVERIES = Collection(
    path="notificationdeliveries",
    fields={
        "id": _ID,
        "status": Field("status", one_of(*DeliveryStatus), leads=True),
        "webhookId": Field("event__webhook_id", TEXT, rare=True),
        "eventType": Field("event__type", TEXT),
        "subject": Field("event__subject", _ADDRESS, rare=True),
        "endpoint.id": Field("endpoint_id", INTEGER, leads=True),
        "jobId": Field("job__job_id", TEXT, rare=True),
    },
    visible=lambda reader: Delivery.objects.select_related("event", "job"),
    rows=_everything,
    document=delivery_document,
)


def attempts_of(delivery: Delivery) -> Collection[Attempt]:
    def document(attempt: Attempt, reader: Reader) -> dict[str, Any]:
        return attempt_document(attempt, delivery)

    return Collection(
        path=f"notificationdeliveries/{delivery.pk}/attempts",
        fields={"id": _ID, "outcome": Field("outcome", one_of(*Outcome))},
        visible=lambda reader: delivery.attempts.all(),
        rows=_everything,
        document=document,
    )
