"""How notifications look on the wire, and what operators may send."""

# ruff: noqa: N815  # the wire's names

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from rest_framework import serializers

from hypermedia.fields import (
    ChoiceField,
    DateTimeValueField,
    FlagField,
    ListField,
    TextField,
    WholeNumberField,
    date_time,
)
from hypermedia.links import href, links_for, reference
from hypermedia.messages import StrictSerializer
from hypermedia.readers import Reader
from jobs.notifications import subscriptions
from jobs.notifications.links import DELIVERY_LINKS, ENDPOINT_LINKS, EVENT_LINKS, endpoint_path, event_path
from jobs.notifications.models import EXPECTED_SECONDS, Attempt, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.services import OVERLAP

Document = dict[str, Any]

_LONGEST_EXPECTED = 366 * 24 * 3600
# What each kind of authentication needs; the secret is the last of it.
_AUTHENTICATION = {
    "none": (),
    "basic": ("username", "password"),
    "oauth2": ("tokenUrl", "clientId", "clientSecret"),
}
_SECRETS = ("password", "clientSecret")


class AuthenticationInput(StrictSerializer):
    """`{"type": "none"}`, `{"type": "basic", "username", "password"}` or `{"type": "oauth2", "tokenUrl", "clientId",
    "clientSecret", "scope"?}`."""

    type = ChoiceField(list(_AUTHENTICATION))
    username = TextField(required=False, max_length=200)
    password = TextField(required=False, max_length=500)
    tokenUrl = TextField(required=False, max_length=2000)
    clientId = TextField(required=False, max_length=200)
    clientSecret = TextField(required=False, max_length=500)
    scope = TextField(required=False, max_length=500)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        needed = _AUTHENTICATION[attrs["type"]]
        errors = {
            name: [serializers.ErrorDetail(f"Authentication {attrs['type']} has no {name}.", code="unknown")]
            for name in attrs
            if name not in {"type", *needed} and not (name == "scope" and attrs["type"] == "oauth2")
        }
        for name in needed:
            # A change may leave the stored secret as it is; services.py knows whether there is one.
            if name not in attrs and name not in _SECRETS:
                errors[name] = [serializers.ErrorDetail("This field is required.", code="required")]
        if "username" in attrs and ":" in attrs["username"]:
            errors["username"] = [serializers.ErrorDetail("HTTP Basic allows no colon here.", code="invalid")]
        if errors:
            raise serializers.ValidationError(errors)
        return attrs


class EndpointInput(StrictSerializer):
    name = TextField(max_length=100)
    url = TextField(max_length=2000)
    httpMethod = ChoiceField(["POST", "PUT"], default="POST")
    authentication = AuthenticationInput(required=False)
    eventTypes = ListField(
        child=TextField(max_length=80), allow_empty=False, max_length=50, default=[subscriptions.EVERYTHING]
    )
    integrationUser = TextField(required=False, max_length=150)
    expectedSeconds = WholeNumberField(default=EXPECTED_SECONDS, min_value=1, max_value=_LONGEST_EXPECTED)
    active = FlagField(default=True)


class RotateInput(StrictSerializer):
    overlapSeconds = WholeNumberField(default=int(OVERLAP.total_seconds()), min_value=0)


class RecoverInput(StrictSerializer):
    since = DateTimeValueField()


def endpoint_values(body: dict[str, Any]) -> dict[str, Any]:
    """The validated body as the services take it."""
    authentication = dict(body.get("authentication", {"type": "none"}))
    credential = next((authentication.pop(name) for name in _SECRETS if name in authentication), "")
    return {
        "name": body["name"],
        "url": body["url"],
        "http_method": body["httpMethod"],
        "authentication": authentication,
        "credential": credential,
        "event_types": list(dict.fromkeys(body["eventTypes"])),
        "integration": body.get("integrationUser"),
        "expected_seconds": body["expectedSeconds"],
        "active": body["active"],
    }


def _present(document: Document) -> Document:
    """Null is left out on the wire."""
    return {name: value for name, value in document.items() if value is not None}


def _moment(moment: Any) -> Any:
    return None if moment is None else date_time(moment)


def endpoint_document(endpoint: NotificationEndpoint, reader: Reader, secret: str | None = None) -> Document:
    """Needs `integration_user`. `signingSecret` only where it is new: it is shown once."""
    return _present(
        {
            "type": "notificationEndpoint",
            "id": endpoint.pk,
            "createdBy": endpoint.created_by_id,
            "lastUpdatedBy": endpoint.last_updated_by_id,
            "objectVersionNumber": endpoint.version,
            "links": links_for(ENDPOINT_LINKS, endpoint, reader),
            "creationDate": date_time(endpoint.creation_date),
            "lastUpdatedDate": date_time(endpoint.last_updated_date),
            "name": endpoint.name,
            "url": endpoint.url,
            "httpMethod": endpoint.http_method,
            "authentication": endpoint.authentication,
            "eventTypes": endpoint.event_types,
            "integrationUser": endpoint.integration_user.username if endpoint.integration_user else None,
            "expectedSeconds": endpoint.expected_seconds,
            "active": endpoint.active,
            "failingSince": _moment(endpoint.failing_since),
            "disabledReason": endpoint.disabled_reason or None,
            "signingSecret": secret,
        }
    )


def event_document(event: NotificationEvent, reader: Reader) -> Document:
    return _present(
        {
            "type": "notificationEvent",
            "id": event.pk,
            "links": links_for(EVENT_LINKS, event, reader),
            "creationDate": date_time(event.creation_date),
            "webhookId": event.webhook_id,
            "eventType": event.type,
            "outcome": event.outcome or None,
            "body": _sent(event, reader),
        }
    )


def _sent(event: NotificationEvent, reader: Reader) -> Document:
    """What was sent, without the links to content for whoever would not get it."""
    body: Document = json.loads(event.body)
    if "links" in body and not reader.may_read_data(None):
        body["links"] = [link for link in body["links"] if link["rel"] != "file"]
    return body


def delivery_document(delivery: Delivery, reader: Reader) -> Document:
    """Needs `event` and `job`. `nextAttempt` while it waits."""
    return _present(
        {
            "type": "notificationDelivery",
            "id": delivery.pk,
            "objectVersionNumber": delivery.version,
            "status": delivery.status,
            "links": links_for(DELIVERY_LINKS, delivery, reader),
            "creationDate": date_time(delivery.creation_date),
            "lastUpdatedDate": date_time(delivery.last_updated_date),
            "webhookId": delivery.event.webhook_id,
            "eventType": delivery.event.type,
            "subject": href(delivery.event.subject),
            "event": reference(delivery.event_id, event_path(delivery.event_id)),
            "endpoint": reference(delivery.endpoint_id, endpoint_path(delivery.endpoint_id)),
            "jobId": delivery.job.job_id if delivery.job else None,
            "attemptCount": delivery.epoch,
            "nextAttempt": _moment(delivery.due_at if delivery.status == "PENDING" else None),
            "delivered": _moment(delivery.delivered_at),
        }
    )


def attempt_document(attempt: Attempt, delivery: Delivery) -> Document:
    """One call: what was sent, what came back, how long it took. Without `outcome` it still runs."""
    return _present(
        {
            "type": "notificationAttempt",
            "id": attempt.pk,
            "number": attempt.number,
            "started": date_time(attempt.started_at),
            "ended": _moment(attempt.ended_at),
            "milliseconds": _milliseconds(attempt),
            "outcome": attempt.outcome or None,
            "reason": attempt.reason or None,
            "request": {
                "method": attempt.method,
                "url": attempt.url,
                "headers": attempt.request_headers,
                "body": delivery.body().decode(),
            },
            "response": _response(attempt),
        }
    )


def _milliseconds(attempt: Attempt) -> int | None:
    return None if attempt.ended_at is None else (attempt.ended_at - attempt.started_at) // timedelta(milliseconds=1)


def _response(attempt: Attempt) -> Document | None:
    if attempt.response_status is None:
        return None
    return {
        "status": attempt.response_status,
        "headers": [{"name": name, "value": value} for name, value in attempt.response_headers],
        "body": bytes(attempt.response_body).decode("utf-8", "replace"),
        "isCut": attempt.response_is_cut,
    }
