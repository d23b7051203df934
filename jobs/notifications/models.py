"""Endpoints, events, deliveries, attempts: the outbox and the log of what was sent where.

    NotificationEvent 1--n Delivery 1--n Attempt
                           Delivery n--1 NotificationEndpoint 1--n SigningSecret

Only `states.py` decides which move of a delivery is allowed; a move is one UPDATE.
"""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from hypermedia.database import prepared
from jobs.callbacks.models import IntegrationJob
from jobs.notifications.states import DeliveryStatus, Move, Outcome, allowed_from, leads_to
from jobs.notifications.subscriptions import Subscriptions

EXPECTED_SECONDS = 24 * 3600


class EndpointQuerySet(models.QuerySet["NotificationEndpoint"]):
    def lock(self, endpoint_id: int) -> NotificationEndpoint | None:
        """The endpoint, locked against other claims and records until the transaction ends."""
        return self.select_for_update(no_key=True).filter(pk=endpoint_id).first()

    def subscribed(self, event_type: str, outcome: str) -> list[NotificationEndpoint]:
        """The active endpoints that want this event."""
        with prepared() as cursor:
            cursor.execute("SELECT id, event_types FROM notifications_notificationendpoint WHERE active")
            wanting = [key for key, wanted in cursor if Subscriptions(wanted).include(event_type, outcome)]
        found = self.filter(pk__in=wanting, active=True).select_related("integration_user").order_by("pk")
        return list(found) if wanting else []

    def disabled(self) -> Self:
        """Switched off by themselves, and nobody has said that they may stay off."""
        return self.filter(~Q(disabled_reason=""), active=False)

    def failing(self) -> Self:
        return self.filter(active=True, failing_since__isnull=False)

    def change(self, **values: Any) -> int:
        return self.update(version=F("version") + 1, last_updated_date=Now(), **values)


class NotificationEndpoint(models.Model):
    """Who is told, where, and how. With an `integration_user` each delivery makes a job for that integration.

    `authentication` is what may be shown: `{"type": "none"}`, `{"type": "basic", "username"}` or `{"type": "oauth2",
    "tokenUrl", "clientId", "scope"?}`; `sealed_credential` is the password or client secret of it.
    """

    class Method(models.TextChoices):
        POST = "POST"
        PUT = "PUT"

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=2000)
    http_method = models.CharField(max_length=4, choices=Method.choices, default=Method.POST)
    authentication = models.JSONField(default=dict)
    sealed_credential = models.TextField(blank=True, editable=False)
    event_types = ArrayField(models.CharField(max_length=80))
    integration_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    expected_seconds = models.PositiveIntegerField(default=EXPECTED_SECONDS)
    active = models.BooleanField(default=True)
    failing_since = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=200, blank=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    last_updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    version = models.PositiveIntegerField(default=1)
    creation_date = models.DateTimeField(db_default=Now(), editable=False)
    last_updated_date = models.DateTimeField(db_default=Now(), editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = "endpoint"
        permissions = [("operate_notificationendpoint", "Can test, enable and rotate endpoints")]

    def __str__(self) -> str:
        return self.name

    def wants(self, event_type: str, outcome: str) -> bool:
        return Subscriptions(self.event_types).include(event_type, outcome)

    @property
    def needs_authorization(self) -> bool:
        return bool(self.authentication.get("type", "none") != "none")

    @property
    def calls_at_once(self) -> int:
        """How many calls may run at once; one that fails gets a single thread, so that it delays nobody else."""
        return 1 if self.failing_since else int(settings.DELIVERIES_PER_ENDPOINT)


class SigningSecretQuerySet(models.QuerySet["SigningSecret"]):
    def valid(self) -> Self:
        """The newest first; older ones during their overlap."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now())).order_by("-pk")


class SigningSecret(models.Model):
    """What events are signed with. The one without an end is the current one; others overlap after a rotation."""

    endpoint = models.ForeignKey(NotificationEndpoint, on_delete=models.CASCADE, related_name="secrets")
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)

    objects = SigningSecretQuerySet.as_manager()

    def __str__(self) -> str:
        return f"secret {self.pk} of endpoint {self.endpoint_id}"


def new_webhook_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


class NotificationEvent(models.Model):
    """Something that happened, as it is sent. `body` is the JSON text, so that every retry sends the same bytes.

    `subject` is the path of the resource below `/api/`; `webhook_id` is the same for every endpoint and every retry.
    """

    webhook_id = models.CharField(max_length=40, unique=True, default=new_webhook_id)
    type = models.CharField(max_length=60)
    outcome = models.CharField(max_length=12, blank=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    creation_date = models.DateTimeField()

    class Meta:
        verbose_name = "event"
        indexes = [
            models.Index(fields=["creation_date", "id"], name="event_created"),
            models.Index(fields=["subject"], name="event_subject"),
            models.Index(fields=["type", "id"], name="event_of_type"),
            models.Index(fields=["outcome", "id"], name="event_of_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.webhook_id}"


_UNSENT = timedelta(minutes=2)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def move(self, move: Move, **values: Any) -> int:
        """Makes the move on every row of this set whose status allows it; the number of rows that moved."""
        return self.filter(status__in=allowed_from(move)).update(
            status=leads_to(move), version=F("version") + 1, last_updated_date=Now(), **values
        )

    def due(self) -> Self:
        """What should be sent now: waiting long enough, or left behind by a worker that died."""
        waiting = Q(status=DeliveryStatus.PENDING, due_at__lte=Now())
        abandoned = Q(status=DeliveryStatus.SENDING, lease_expires_at__lt=Now())
        return self.filter(waiting | abandoned)

    def late(self) -> Self:
        """Due for so long that no worker can be there."""
        return self.filter(status=DeliveryStatus.PENDING, due_at__lt=Now() - _UNSENT, endpoint__active=True)

    def needing_a_look(self) -> Self:
        """Given up, and nobody has let them be."""
        return self.filter(status=DeliveryStatus.FAILED, acknowledged=False)

    def held(self, delivery_id: int, epoch: int) -> Self:
        """The delivery while this epoch still owns it: the fence that the record of an attempt passes through."""
        return self.filter(pk=delivery_id, epoch=epoch)


class Delivery(models.Model):
    """One event for one endpoint. `retries` counts towards the schedule; a redelivery starts it anew.

    `silence_due_at` is when to look next whether the integration has reported on the job.
    """

    event = models.ForeignKey(NotificationEvent, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    endpoint = models.ForeignKey(
        NotificationEndpoint, on_delete=models.PROTECT, related_name="deliveries", db_index=False
    )
    job = models.OneToOneField(IntegrationJob, on_delete=models.SET_NULL, null=True, related_name="+")
    status = models.CharField(
        max_length=9, default=DeliveryStatus.PENDING.value, choices=[(s.value, s.value) for s in DeliveryStatus]
    )
    due_at = models.DateTimeField(db_default=Now())
    lease_expires_at = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    retries = models.PositiveIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    silence_due_at = models.DateTimeField(null=True)
    acknowledged = models.BooleanField(db_default=False, editable=False)  # given up, and an operator lets it be
    version = models.PositiveIntegerField(default=1)
    creation_date = models.DateTimeField(db_default=Now(), editable=False)
    last_updated_date = models.DateTimeField(db_default=Now(), editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["event", "endpoint"], name="delivery_once")]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at"], name="delivery_pending", condition=Q(status=DeliveryStatus.PENDING.value)
            ),
            models.Index(
                fields=["endpoint", "lease_expires_at"],
                name="delivery_sending",
                condition=Q(status=DeliveryStatus.SENDING.value),
            ),
            models.Index(
                fields=["last_updated_date"],
                name="delivery_failed",
                condition=Q(status=DeliveryStatus.FAILED.value),
            ),
            models.Index(fields=["status", "id"], name="delivery_status"),
            models.Index(fields=["endpoint", "id"], name="delivery_endpoint"),
            models.Index(fields=["silence_due_at"], name="delivery_silence", condition=~Q(silence_due_at=None)),
        ]
        permissions = [
            ("redeliver_delivery", "Can send events again"),
            ("acknowledge_delivery", "Can let deliveries be that were given up"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    @property
    def path(self) -> str:
        return f"notificationdeliveries/{self.pk}"

    def body(self) -> bytes:
        """What is sent: the event, for an integration with its `jobId`. The same bytes at every retry."""
        return body_sent(self.event.body, self.job.job_id if self.job else None)


def body_sent(event: str, job_id: str | None) -> bytes:
    if job_id is None:
        return event.encode()
    return json.dumps({**json.loads(event), "jobId": job_id}, ensure_ascii=False).encode()


class Attempt(models.Model):
    """One call, written down before it is made. Without an end: it still runs, or its worker is lost.

    The request's body is the delivery's; of its headers, credentials are kept as `***`. The answer's body is kept as
    it came, at most 64 kB.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    method = models.CharField(max_length=4)
    url = models.CharField(max_length=2000)
    request_headers = models.JSONField(default=dict)
    response_status = models.PositiveSmallIntegerField(null=True)
    response_headers = models.JSONField(default=list)
    response_body = models.BinaryField(default=bytes)
    response_is_cut = models.BooleanField(default=False)
    outcome = models.CharField(max_length=20, blank=True, choices=[(o.value, o.value) for o in Outcome])
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="attempt_number")]

    def __str__(self) -> str:
        return f"attempt {self.number} of delivery {self.delivery_id}"


class Alarm(models.Model):
    """Something that operators should know: told by e-mail and to endpoints that subscribed to its kind."""

    class Kind(models.TextChoices):
        OPERATION_FAILED = "OperationFailed", "operation failed"
        DELIVERY_FAILED = "DeliveryFailed", "delivery given up"
        ENDPOINT_DISABLED = "EndpointDisabled", "endpoint disabled"
        INTEGRATION_SILENT = "IntegrationSilent", "integration silent"
        SCHEDULE_REFUSED = "ScheduleRefused", "scheduled export refused"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    text = models.TextField()
    subject = models.CharField(max_length=200)
    endpoint = models.ForeignKey(NotificationEndpoint, on_delete=models.CASCADE, null=True, related_name="alarms")
    job = models.ForeignKey(IntegrationJob, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], name="alarm_unmailed", condition=Q(mailed_at=None))]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text}"
