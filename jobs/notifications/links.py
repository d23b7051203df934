"""Which links endpoints, events and deliveries show. Operators change, auditors read."""

from __future__ import annotations

from hypermedia.links import SELF, Rule
from hypermedia.readers import Reader, Role
from jobs.notifications.models import Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.states import DeliveryStatus, Move, allowed_from


def endpoint_path(endpoint_id: int) -> str:
    return f"notificationendpoints/{endpoint_id}"


def event_path(event_id: int) -> str:
    return f"notificationevents/{event_id}"


def delivery_path(delivery_id: int) -> str:
    return f"notificationdeliveries/{delivery_id}"


def _may_change(subject: object, reader: Reader) -> bool:
    return reader.has(Role.OPERATOR)


def _may_test(endpoint: NotificationEndpoint, reader: Reader) -> bool:
    return endpoint.active and reader.has(Role.OPERATOR)


def _may_enable(endpoint: NotificationEndpoint, reader: Reader) -> bool:
    return not endpoint.active and reader.has(Role.OPERATOR)


def _may_redeliver(delivery: Delivery, reader: Reader) -> bool:
    return DeliveryStatus(delivery.status) in allowed_from(Move.REDELIVER) and reader.has(Role.OPERATOR)


ENDPOINT_LINKS: tuple[Rule[NotificationEndpoint], ...] = (
    Rule(SELF, None, lambda endpoint: endpoint_path(endpoint.pk)),
    Rule("edit", "PUT", lambda endpoint: endpoint_path(endpoint.pk), _may_change),
    Rule("operator:test", "POST", lambda endpoint: f"{endpoint_path(endpoint.pk)}/test", _may_test),
    Rule("operator:rotate", "POST", lambda endpoint: f"{endpoint_path(endpoint.pk)}/rotate", _may_change),
    Rule("operator:enable", "POST", lambda endpoint: f"{endpoint_path(endpoint.pk)}/enable", _may_enable),
    Rule("operator:recover", "POST", lambda endpoint: f"{endpoint_path(endpoint.pk)}/recover", _may_change),
)
EVENT_LINKS: tuple[Rule[NotificationEvent], ...] = (
    Rule(SELF, None, lambda event: event_path(event.pk)),
    Rule("operator:subject", "GET", lambda event: event.subject),
)
DELIVERY_LINKS: tuple[Rule[Delivery], ...] = (
    Rule(SELF, None, lambda delivery: delivery_path(delivery.pk)),
    Rule("event", "GET", lambda delivery: event_path(delivery.event_id)),
    Rule("endpoint", "GET", lambda delivery: endpoint_path(delivery.endpoint_id)),
    Rule("attempts", "GET", lambda delivery: f"{delivery_path(delivery.pk)}/attempts"),
    Rule("operator:redeliver", "POST", lambda delivery: f"{delivery_path(delivery.pk)}/redeliver", _may_redeliver),
)
