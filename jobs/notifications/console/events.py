"""Events, and the alarms that operators got."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from hypermedia.console import PageMixin, Panel, ReadOnlyAdmin, facts
from hypermedia.finding import ExactSearchMixin
from hypermedia.narrowing import ReadByPeriod, one_of, period_of
from hypermedia.showing import NOTHING, ago, anchor, code, moment
from hypermedia.subjects import subject_link
from jobs.notifications import subscriptions
from jobs.notifications.console.appearance import SHOWN, deliveries_panel, page_of, pretty
from jobs.notifications.models import Alarm, NotificationEvent


@admin.register(NotificationEvent)
class NotificationEventAdmin(ReadByPeriod, ExactSearchMixin, PageMixin, ReadOnlyAdmin):
    """What was told, to whom."""

    list_display = ("id", "type", "outcome", "subject", "age", "webhook_id")
    list_filter = (
        one_of("type", subscriptions.event_types),
        one_of("outcome", lambda: subscriptions.OUTCOMES),
        period_of("creation_date", "time"),
    )
    ordering = ("-id",)
    period_ordering = ("-creation_date", "-id")
    search_fields = ("webhook_id", "subject")
    search_help_text = "Webhook id, or path below /api/"

    @admin.display(description="age", ordering="id")
    def age(self, event: NotificationEvent) -> Any:
        return ago(event.creation_date)

    def panels(self, request: HttpRequest, row: NotificationEvent) -> list[Panel]:
        about = [
            ("Type", row.type),
            ("Outcome", row.outcome),
            ("About", subject_link(row.subject)),
            ("Webhook id", code(row.webhook_id)),
            ("When", moment(row.creation_date)),
        ]
        return [
            facts("about", "Event", about),
            Panel("body", "Body", "console/text.html", {"text": pretty(row.body)}, wide=False),
            deliveries_panel(row.deliveries.select_related("event", "endpoint").order_by("pk")[:SHOWN]),
        ]


@admin.register(Alarm)
class AlarmAdmin(PageMixin, ReadOnlyAdmin):
    """What operators were told."""

    list_display = ("id", "age", "kind", "text", "endpoint", "job", "mailed_at")
    list_filter = ("kind", period_of("created_at", "time"))
    list_select_related = ("endpoint", "job")
    ordering = ("-id",)

    @admin.display(description="age", ordering="id")
    def age(self, alarm: Alarm) -> Any:
        return ago(alarm.created_at)

    def panels(self, request: HttpRequest, row: Alarm) -> list[Panel]:
        endpoint, job = row.endpoint, row.job
        about = [
            ("What", row.get_kind_display()),
            ("Text", row.text),
            ("When", moment(row.created_at)),
            ("About", subject_link(row.subject)),
            ("Endpoint", page_of("notificationendpoint", endpoint.pk, endpoint) if endpoint else NOTHING),
            ("Job", anchor(reverse("admin:callbacks_integrationjob_change", args=[job.pk]), job) if job else NOTHING),
            ("Mailed", moment(row.mailed_at)),
        ]
        return [facts("about", "Alarm", about, wide=True)]
