"""Notifications in the OpenAPI document: the endpoints that subscribe, what was sent to them, and the event itself."""

from __future__ import annotations

from typing import Any

from config.openapi.operations import Answer, Route
from config.openapi.shapes import BOOLEAN, INTEGER, TECHNICAL, TEXT, Schema, given_text, many, one_of, ref, shape
from jobs.callbacks.states import Status
from jobs.notifications.services import LONGEST_OVERLAP

_TAG = "Notifications"
_URI: Schema = {"type": "string", "format": "uri"}
_HEADERS = ("ETag", "Link")
_AUTHENTICATION: dict[str, Schema] = {
    "type": one_of("none", "basic", "oauth2"),
    "username": TEXT,
    "tokenUrl": _URI,
    "clientId": TEXT,
    "scope": TEXT,
}
_SECRETS = ("password", "clientSecret")
_AUTHENTICATION_INPUT = shape(
    {
        "type": _AUTHENTICATION["type"],
        "username": given_text(200),
        "tokenUrl": {**given_text(2000), "format": "uri"},
        "clientId": given_text(200),
        "scope": given_text(500),
        **{secret: given_text(500) for secret in _SECRETS},
    },
    (*_AUTHENTICATION, *_SECRETS)[1:],
    closed=True,
)
_METHOD = {**one_of("POST", "PUT"), "default": "POST"}
_EXPECTED = {
    "type": "integer",
    "minimum": 1,
    "maximum": 366 * 24 * 3600,
    "description": "Seconds after which a job without an end is flagged.",
}
# Events, deliveries and attempts are a log: nobody makes or changes them by hand.
_LOGGED = {name: TECHNICAL[name] for name in ("type", "id", "links", "creationDate")}

NOTIFICATION_SHAPES: dict[str, Schema] = {
    "NotificationEndpointInput": shape(
        {
            "name": given_text(100),
            "url": {**given_text(2000), "format": "uri"},
            "httpMethod": _METHOD,
            "authentication": _AUTHENTICATION_INPUT,
            "eventTypes": {**many(given_text(80)), "minItems": 1, "maxItems": 50},
            "integrationUser": given_text(150),
            "expectedSeconds": _EXPECTED,
            "active": {**BOOLEAN, "default": True},
        },
        ("httpMethod", "authentication", "eventTypes", "integrationUser", "expectedSeconds", "active"),
        closed=True,
    ),
    "NotificationEndpoint": shape(
        {
            **TECHNICAL,
            "type": one_of("notificationEndpoint"),
            "name": TEXT,
            "url": _URI,
            "httpMethod": _METHOD,
            "authentication": shape(_AUTHENTICATION, tuple(_AUTHENTICATION)[1:]),
            "eventTypes": many(TEXT),
            "integrationUser": TEXT,
            "expectedSeconds": _EXPECTED,
            "active": BOOLEAN,
            "failingSince": ref("DateTime"),
            "disabledReason": TEXT,
            "signingSecret": {"type": "string", "description": "Only where it is new: shown once."},
        },
        ("integrationUser", "failingSince", "disabledReason", "signingSecret"),
    ),
    "RotateInput": shape(
        {
            "overlapSeconds": {
                "type": "integer",
                "minimum": 0,
                "maximum": int(LONGEST_OVERLAP.total_seconds()),
                "description": "How long the old secret signs too.",
            }
        },
        ("overlapSeconds",),
        closed=True,
    ),
    "RecoverInput": shape({"since": ref("DateTime")}, closed=True),
    "NotificationRecovery": shape(
        {"type": one_of("notificationRecovery"), "sentAgain": INTEGER, "newlySent": INTEGER, "hasMore": BOOLEAN}
    ),
    "NotificationEvent": shape(
        {
            **_LOGGED,
            "type": one_of("notificationEvent"),
            "webhookId": TEXT,
            "eventType": TEXT,
            "outcome": TEXT,
            "body": {"type": "object"},
        },
        ("outcome",),
    ),
    "IntegrationJob": shape(
        {
            **_LOGGED,
            "type": one_of("integrationJob"),
            "objectVersionNumber": INTEGER,
            "status": one_of(*Status),
            "jobId": TEXT,
            "integration": TEXT,
            "message": TEXT,
            "flagged": BOOLEAN,
            "lastReportDateTime": ref("DateTime"),
        },
        ("status", "message", "lastReportDateTime"),
    ),
    "NotificationDelivery": shape(
        {
            **_LOGGED,
            "type": one_of("notificationDelivery"),
            "objectVersionNumber": INTEGER,
            "status": TEXT,
            "lastUpdatedDate": ref("DateTime"),
            "webhookId": TEXT,
            "eventType": TEXT,
            "subject": _URI,
            "event": ref("Reference"),
            "endpoint": ref("Reference"),
            "jobId": TEXT,
            "attemptCount": INTEGER,
            "nextAttempt": ref("DateTime"),
            "delivered": ref("DateTime"),
        },
        ("jobId", "nextAttempt", "delivered"),
    ),
    "NotificationAttempt": shape(
        {
            "type": one_of("notificationAttempt"),
            "id": INTEGER,
            "number": INTEGER,
            "started": ref("DateTime"),
            "ended": ref("DateTime"),
            "milliseconds": INTEGER,
            "outcome": TEXT,
            "reason": TEXT,
            "request": {"type": "object"},
            "response": {"type": "object"},
        },
        ("ended", "milliseconds", "outcome", "reason", "response"),
    ),
    "OutboundIntegrationPoints": shape(
        {
            "items": many(
                shape(
                    {
                        "name": TEXT,
                        "endpoints": many(
                            shape(
                                {
                                    "useCase": TEXT,
                                    "authenticationFeature": TEXT,
                                    "HTTPMethod": TEXT,
                                    "messageMediaType": TEXT,
                                    "destinationURL": _URI,
                                }
                            )
                        ),
                    }
                )
            )
        }
    ),
    "Notification": shape(
        {
            "type": TEXT,
            "topic": one_of("Notification"),
            "timestamp": ref("DateTime"),
            "links": many(ref("Link")),
            "jobId": {"type": "string", "description": "For an integration: the job to report on."},
        },
        ("jobId",),
    ),
}

_ENDPOINT = "/api/notificationendpoints/{id}"
_DELIVERY = "/api/notificationdeliveries/{id}"

NOTIFICATION_ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/api/notificationendpoints"): Route(
        "createNotificationEndpoint",
        "Subscribe an endpoint",
        _TAG,
        {201: Answer("NotificationEndpoint", "With the signing secret, this once.", ("Location", "Link"))},
        body="NotificationEndpointInput",
    ),
    ("GET", _ENDPOINT): Route(
        "getNotificationEndpoint",
        "An endpoint",
        _TAG,
        {200: Answer("NotificationEndpoint", "", _HEADERS)},
        errors=(404,),
    ),
    ("PUT", _ENDPOINT): Route(
        "changeNotificationEndpoint",
        "Change an endpoint",
        _TAG,
        {200: Answer("NotificationEndpoint", "", _HEADERS)},
        text="A secret that is left out stays as it is.",
        body="NotificationEndpointInput",
        errors=(404, 412),
    ),
    ("POST", f"{_ENDPOINT}/test"): Route(
        "testNotificationEndpoint",
        "Send a test event",
        _TAG,
        {201: Answer(None, "Follow `Location` to the delivery.", ("Location",))},
        errors=(400, 404, 409, 412, 415, 422),
    ),
    ("POST", f"{_ENDPOINT}/rotate"): Route(
        "rotateNotificationSecret",
        "Make a new signing secret",
        _TAG,
        {201: Answer("NotificationEndpoint", "With the new secret, this once.", ("Location", "Link"))},
        body="RotateInput",
        body_required=False,
        errors=(404, 409, 412),
    ),
    ("POST", f"{_ENDPOINT}/enable"): Route(
        "enableNotificationEndpoint",
        "Send to a disabled endpoint again",
        _TAG,
        {200: Answer("NotificationEndpoint", "", _HEADERS)},
        errors=(400, 404, 409, 412, 415, 422),
    ),
    ("POST", f"{_ENDPOINT}/recover"): Route(
        "recoverNotifications",
        "Send what failed since a moment",
        _TAG,
        {200: Answer("NotificationRecovery", "How much is sent.", ("Link",))},
        body="RecoverInput",
        errors=(404, 409, 412),
    ),
    ("GET", "/api/notificationevents/{id}"): Route(
        "getNotificationEvent", "An event", _TAG, {200: Answer("NotificationEvent", "", _HEADERS)}, errors=(404,)
    ),
    ("GET", "/api/integrationjobs/{id}"): Route(
        "getIntegrationJob",
        "A job that an integration was given",
        _TAG,
        {200: Answer("IntegrationJob", "As the last report that counts left it.", _HEADERS)},
        errors=(404,),
    ),
    ("GET", _DELIVERY): Route(
        "getNotificationDelivery",
        "A delivery of one event to one endpoint",
        _TAG,
        {200: Answer("NotificationDelivery", "", _HEADERS)},
        errors=(404,),
    ),
    ("POST", f"{_DELIVERY}/redeliver"): Route(
        "redeliverNotification",
        "Send it once more",
        _TAG,
        {200: Answer("NotificationDelivery", "", _HEADERS)},
        errors=(400, 404, 409, 412, 415, 422),
    ),
    ("GET", "/api/outboundintegrationpoints"): Route(
        "getOutboundIntegrationPoints",
        "Where this service sends to",
        _TAG,
        {200: Answer("OutboundIntegrationPoints", "", ("Link",))},
    ),
}

_SIGNED = {
    "webhook-id": "The same in every retry: who has seen it has the event.",
    "webhook-timestamp": "Seconds since 1970, when it was signed; refuse what is older than five minutes.",
    "webhook-signature": "`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; several during a rotation.",
}

# What subscribers get, in the other direction.
WEBHOOKS: dict[str, Any] = {
    "operationEnded": {
        "post": {
            "operationId": "operationEnded",
            "summary": "An operation has ended",
            "description": "Signed by Standard Webhooks: `webhook-id` (the same in every retry), `webhook-timestamp`, "
            "`webhook-signature`. Answer 2xx within the deadline; 410 ends the subscription.",
            "tags": [_TAG],
            "parameters": [
                {"name": name, "in": "header", "required": True, "description": text, "schema": TEXT}
                for name, text in _SIGNED.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": ref("Notification")}}},
            "responses": {"204": {"description": "Received."}, "410": {"description": "Send no more."}},
        }
    }
}
