"""Writing events down, with a delivery for each endpoint that wants them, in the transaction in which they happen.

Nothing is called here: what is stored is sent later, as often as it takes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from hypermedia.fields import date_time
from hypermedia.links import href
from jobs.callbacks.services import NotAnIntegration, create_job
from jobs.notifications.models import Alarm, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.signals import deliveries_due
from jobs.notifications.states import DeliveryStatus
from jobs.notifications.subscriptions import ALARMS, TEST

Link = tuple[str, str]  # rel, path below /api/


@transaction.atomic(savepoint=False)
def operation_ended(*, event_type: str, outcome: str, links: Sequence[Link]) -> NotificationEvent:
    """The event of an operation that reached an end; the first link is the operation itself.

    `outcome` is `Completed`, `Failed` or `Cancelled`. Needs the transaction that ends the operation.
    """
    event = _store(event_type, outcome, links)
    for endpoint in NotificationEndpoint.objects.subscribed(event_type, outcome):
        deliver(event, endpoint)
    if outcome == "Failed":
        raise_alarm(Alarm.Kind.OPERATION_FAILED, f"{event_type} failed.", links[0][1])
    return event


def test(endpoint: NotificationEndpoint) -> Delivery:
    """An event that says nothing, for one endpoint."""
    return deliver(_store(TEST, "", [("operator:subject", f"notificationendpoints/{endpoint.pk}")]), endpoint)


@transaction.atomic
def raise_alarm(kind: Alarm.Kind, text: str, subject: str, *, tell: bool = True, **about: Any) -> Alarm:
    """Keeps the alarm and, unless `tell` is off, tells the endpoints that subscribed to its kind.

    `tell` is off for alarms about the delivery of an alarm, which would go round in circles.
    """
    alarm = Alarm.objects.create(kind=kind, text=text, subject=subject, **about)
    endpoints = NotificationEndpoint.objects.subscribed(kind, "") if tell else []
    if endpoints:
        event = _store(kind, "", [("operator:subject", subject)], topic="Alarm", text=text)
        for endpoint in endpoints:
            deliver(event, endpoint)
    return alarm


def is_alarm(event: NotificationEvent) -> bool:
    return event.type in ALARMS


@transaction.atomic
def deliver(event: NotificationEvent, endpoint: NotificationEndpoint) -> Delivery:
    """The row that promises the delivery; with it the job, when the endpoint is an integration's."""
    delivery = Delivery(event=event, endpoint=endpoint)
    if endpoint.integration_user_id is not None:
        try:
            delivery.job = create_job(integration_id=endpoint.integration_user_id)
        except NotAnIntegration:  # the end of an operation must not fail over a user who lost a role
            return _undeliverable(delivery)
    delivery.save(force_insert=True)
    ring_on_commit(endpoint.pk)
    return delivery


def ring_on_commit(endpoint_id: int) -> None:
    """Tells a worker that the endpoint has deliveries, once they are durable; as many as may send at once, however many
    there are."""
    bell = _Ring(endpoint_id)
    rung = sum(bell in hook for hook in connection.run_on_commit)  # those of a savepoint rolled back are gone
    if rung < settings.DELIVERIES_PER_ENDPOINT:
        transaction.on_commit(bell)


@dataclass(frozen=True)
class _Ring:
    endpoint_id: int

    def __call__(self) -> None:
        ring(self.endpoint_id)


def ring(endpoint_id: int) -> bool:
    """Tells a worker; False when that failed, and the sweep will."""
    return all(rung for _, rung in deliveries_due.send(sender=Delivery, endpoint_id=endpoint_id))


def _undeliverable(delivery: Delivery) -> Delivery:
    delivery.status = DeliveryStatus.FAILED
    delivery.save(force_insert=True)
    text = f"The user of endpoint {delivery.endpoint.name} is no active integration, so no job could be made."
    raise_alarm(Alarm.Kind.DELIVERY_FAILED, text, delivery.path, tell=False, endpoint=delivery.endpoint)
    return delivery


def _store(
    event_type: str, outcome: str, links: Sequence[Link], topic: str = "Notification", **more: str
) -> NotificationEvent:
    now = timezone.now()
    document = {
        "type": event_type,
        "topic": topic,
        "timestamp": date_time(now),
        "links": [{"rel": rel, "href": href(path)} for rel, path in links],
        **more,
    }
    return NotificationEvent.objects.create(
        type=event_type,
        outcome=outcome,
        subject=links[0][1],
        body=json.dumps(document, ensure_ascii=False),
        creation_date=now,
    )
