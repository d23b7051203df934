"""The console's pages: endpoints, events, deliveries with their attempts, and alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from hypermedia.console import ReadOnlyAdmin, ReadOnlyInline
from hypermedia.errors import DomainError
from jobs.notifications import services
from jobs.notifications.models import Alarm, Attempt, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.states import DeliveryStatus

STATUS_COLOURS = {
    DeliveryStatus.PENDING: "info",
    DeliveryStatus.SENDING: "warning",
    DeliveryStatus.DELIVERED: "success",
    DeliveryStatus.FAILED: "danger",
}
ENDPOINT_COLOURS = {"active": "success", "failing": "warning", "off": "danger"}
_MOST_AT_ONCE = 200


class ActingAdmin(ReadOnlyAdmin):
    """Actions go through the services, one row at a time."""

    def each(self, request: HttpRequest, rows: QuerySet[Any], act: Callable[[int], Any], done: str) -> int:
        """Does it to each selected row, and says of each that refused why."""
        succeeded = 0
        for pk in rows.values_list("pk", flat=True)[:_MOST_AT_ONCE]:
            try:
                act(pk)
                succeeded += 1
            except DomainError as error:
                self.message_user(request, f"{pk}: {error}", messages.WARNING)
        if succeeded:
            self.message_user(request, f"{succeeded} {done}.", messages.SUCCESS)
        return succeeded


def _user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None  # the console lets nobody in without logging in
    return request.user.pk


@admin.register(NotificationEndpoint)
class NotificationEndpointAdmin(ActingAdmin):
    """Endpoints are made and changed over the API, which shows the signing secret once."""

    list_display = ("name", "chip", "url", "http_method", "event_types", "integration_user", "failing_since")
    list_filter = ("active", "http_method")
    list_select_related = ("integration_user",)
    search_fields = ("name", "url")
    fields = (
        "name", "url", "http_method", "authentication", "event_types", "integration_user", "expected_seconds",
        "active", "failing_since", "disabled_reason", "created_by", "last_updated_by", "version",
    )  # fmt: skip
    actions = ("test", "rotate", "enable")

    @display(description="state", label=ENDPOINT_COLOURS)
    def chip(self, endpoint: NotificationEndpoint) -> str:
        return "off" if not endpoint.active else "failing" if endpoint.failing_since else "active"

    @admin.action(description="Send a test event", permissions=["operate"])
    def test(self, request: HttpRequest, queryset: QuerySet[NotificationEndpoint]) -> None:
        self.each(request, queryset, lambda pk: services.test_endpoint(endpoint_id=pk), "test events on their way")

    @admin.action(description="Enable", permissions=["operate"])
    def enable(self, request: HttpRequest, queryset: QuerySet[NotificationEndpoint]) -> None:
        user_id = _user_id(request)
        self.each(
            request, queryset, lambda pk: services.enable_endpoint(endpoint_id=pk, user_id=user_id), "endpoints enabled"
        )

    @admin.action(description="New signing secret; the old one stays valid for a day", permissions=["operate"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[NotificationEndpoint]) -> None:
        def act(pk: int) -> None:
            endpoint, secret = services.rotate_secret(endpoint_id=pk, user_id=_user_id(request))
            text = f"{endpoint.name}: {secret} is shown this once."
            self.message_user(request, text, messages.WARNING)

        self.each(request, queryset, act, "secrets rotated")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.operate_notificationendpoint")


@admin.register(NotificationEvent)
class NotificationEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "creation_date", "type", "outcome", "subject", "webhook_id")
    list_filter = ("type", "outcome")
    ordering = ("-id",)
    search_fields = ("=webhook_id", "=subject")


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = readonly_fields = (
        "number", "started_at", "ended_at", "outcome", "reason", "url", "request_headers", "response_status",
        "response_headers", "answer",
    )  # fmt: skip

    @admin.display(description="answer's body")
    def answer(self, attempt: Attempt) -> str:
        """The beginning of it, as text."""
        return bytes(attempt.response_body)[:1000].decode("utf-8", "replace")


@admin.register(Delivery)
class DeliveryAdmin(ActingAdmin):
    list_display = ("id", "event", "endpoint", "chip", "epoch", "due_at", "delivered_at", "job")
    list_filter = ("status", "endpoint")
    list_select_related = ("event", "endpoint", "job")
    ordering = ("-id",)
    search_fields = ("=event__webhook_id", "=event__subject", "=job__job_id")
    actions = ("redeliver",)
    inlines = (AttemptInline,)

    @display(description="status", label=STATUS_COLOURS)
    def chip(self, delivery: Delivery) -> str:
        return delivery.status

    @admin.action(description="Send again", permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self.each(request, queryset, lambda pk: services.redeliver(delivery_id=pk), "events on their way again")

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("notifications.redeliver_delivery")


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    list_display = ("id", "created_at", "kind", "text", "endpoint", "job", "mailed_at")
    list_filter = ("kind",)
    list_select_related = ("endpoint", "job")
    ordering = ("-id",)
