"""`GET /api/outboundintegrationpoints`: where this service sends messages, so that networks can be set up for it.

The shape is Oracle Health Insurance's "Outbound Integration Point": `{"items": [{"name", "endpoints": [{"useCase",
"authenticationFeature", "HTTPMethod", "messageMediaType", "destinationURL"}]}]}`. There is one point per event type.
"""

from __future__ import annotations

from typing import Any

from jobs.notifications import subscriptions
from jobs.notifications.models import NotificationEndpoint

_FEATURES = {"none": "None", "basic": "BasicAuthentication", "oauth2": "OAuth2"}


def document() -> dict[str, Any]:
    endpoints = list(NotificationEndpoint.objects.filter(active=True).order_by("pk"))
    names = [*subscriptions.operations(), *subscriptions.ALARMS]
    points = [{"name": name, "endpoints": [_endpoint(one) for one in endpoints if _wants(one, name)]} for name in names]
    return {"items": [point for point in points if point["endpoints"]]}


def _wants(endpoint: NotificationEndpoint, name: str) -> bool:
    """Whether any end of these operations, or this alarm, is sent to it."""
    outcomes = ("",) if name in subscriptions.ALARMS else subscriptions.OUTCOMES
    return any(endpoint.wants(name, outcome) for outcome in outcomes)


def _endpoint(endpoint: NotificationEndpoint) -> dict[str, str]:
    return {
        "useCase": endpoint.name,
        "authenticationFeature": _FEATURES[endpoint.authentication.get("type", "none")],
        "HTTPMethod": endpoint.http_method,
        "messageMediaType": "application/json",
        "destinationURL": endpoint.url,
    }
