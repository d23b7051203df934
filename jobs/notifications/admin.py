"""The console's pages: endpoints, events, deliveries with their attempts, and alarms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from audit.console.actions import Acting, ActingAdmin, NamedAction, ReasonForm
from hypermedia.console import LiveListMixin, PageMixin, Panel, ReadOnlyAdmin, facts, live, table
from hypermedia.narrowing import PeriodFilter, one_of, period_of
from hypermedia.showing import NOTHING, Tone, ago, anchor, chip, code, duration, moment
from jobs.notifications import endpoint_pages, services, subscriptions
from jobs.notifications.models import Alarm, Attempt, Delivery, NotificationEndpoint, NotificationEvent, SigningSecret
from jobs.notifications.states import DeliveryStatus, Move, Outcome, allowed_from

TONES = {
    DeliveryStatus.PENDING: Tone.WAITING,
    DeliveryStatus.SENDING: Tone.BUSY,
    DeliveryStatus.DELIVERED: Tone.GOOD,
    DeliveryStatus.FAILED: Tone.BAD,
}
OPERATE = "notifications.operate_notificationendpoint"
_SHOWN = 50  # attempts, deliveries and alarms on one page
_SHOWN_LETTERS = 4000  # of an answer's body


def page_of(model: str, pk: int, text: Any) -> Any:
    return anchor(reverse(f"admin:notifications_{model}_change", args=[pk]), text)


def endpoint_chip(endpoint: NotificationEndpoint) -> Any:
    if not endpoint.active:
        return chip("off", Tone.BAD)
    return chip("failing", Tone.WAITING) if endpoint.failing_since else chip("active", Tone.GOOD)


def delivery_chip(delivery: Delivery) -> Any:
    return chip(delivery.status, TONES[DeliveryStatus(delivery.status)])


def _test(endpoint: NotificationEndpoint, acting: Acting) -> str:
    delivery = services.test_endpoint(endpoint_id=endpoint.pk)
    return f"A test event is on its way to {endpoint.name}: delivery {delivery.pk}."


def _rotate(endpoint: NotificationEndpoint, acting: Acting) -> str:
    return services.rotate_secret(endpoint_id=endpoint.pk, user_id=acting.user_id)[1]


def _enable(endpoint: NotificationEndpoint, acting: Acting) -> str:
    services.enable_endpoint(endpoint_id=endpoint.pk, user_id=acting.user_id)
    return f"{endpoint.name} was enabled; what waited for it is sent."


class RecoverForm(ReasonForm):
    since = forms.DateTimeField(widget=forms.DateTimeInput({"type": "datetime-local"}), label="Missed since")
    field_order = ("since", "reason")


def _recover(endpoint: NotificationEndpoint, acting: Acting) -> str:
    done = services.recover(endpoint_id=endpoint.pk, since=acting.answers["since"])
    more = " There are more: recover once more." if done.has_more else ""
    return f"{done.sent_again} deliveries are sent again, {done.newly_sent} events for the first time.{more}"


def _redeliver(delivery: Delivery, acting: Acting) -> str:
    services.redeliver(delivery_id=delivery.pk)
    return f"Delivery {delivery.pk} is on its way again."


def _cannot_test(endpoint: NotificationEndpoint) -> str | None:
    return None if endpoint.active else "The endpoint is switched off; enable it first."


def _cannot_enable(endpoint: NotificationEndpoint) -> str | None:
    return "It is enabled, and nothing fails." if endpoint.active and not endpoint.failing_since else None


def _cannot_redeliver(delivery: Delivery) -> str | None:
    return None if delivery.status in allowed_from(Move.REDELIVER) else "It is being sent at this moment."


TEST = NamedAction(
    "test", "Send a test event", OPERATE, "Sends an event of the type Test, signed like every other.", _test,
    _cannot_test, icon="send",
)  # fmt: skip
CHANGE = replace(TEST, name="edit", label="Change", permission=endpoint_pages.MAY_CHANGE, icon="edit")


@admin.register(NotificationEndpoint)
class NotificationEndpointAdmin(PageMixin, ActingAdmin):
    """Endpoints. The signing secret of a new one is shown once."""

    list_display = ("name", "chip", "url", "http_method", "events", "integration_user", "failing")
    list_filter = ("active", "http_method")
    list_select_related = ("integration_user",)
    search_fields = ("name", "url")
    named_actions = (
        TEST,
        NamedAction(
            "enable", "Enable", OPERATE, "Switches it on and sends what waited for it.", _enable, _cannot_enable,
            icon="power_settings_new",
        ),
        NamedAction(
            "rotate", "New signing secret", OPERATE,
            "Makes a new secret and shows it once. The old one stays valid for a day.", _rotate, icon="key",
            shows_secret=True,
        ),
        NamedAction(
            "recover", "Send what it missed", OPERATE,
            "Sends again what was given up since then, and events that found it switched off.", _recover,
            form=RecoverForm, icon="history",
        ),
    )  # fmt: skip

    @admin.display(description="state")
    def chip(self, endpoint: NotificationEndpoint) -> Any:
        return endpoint_chip(endpoint)

    @admin.display(description="events")
    def events(self, endpoint: NotificationEndpoint) -> str:
        return ", ".join(endpoint.event_types)

    @admin.display(description="failing since", ordering="failing_since")
    def failing(self, endpoint: NotificationEndpoint) -> Any:
        return ago(endpoint.failing_since)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(endpoint_pages.MAY_ADD)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.edit_view)
        return [path("<int:pk>/edit/", view, name="notifications_notificationendpoint_edit"), *super().get_urls()]

    def possible_actions(self, request: HttpRequest, row: Any) -> list[tuple[NamedAction, str]]:
        address = reverse("admin:notifications_notificationendpoint_edit", args=[row.pk])
        edit = [(CHANGE, address)] if request.user.has_perm(CHANGE.permission) else []
        return [*edit, *super().possible_actions(request, row)]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return endpoint_pages.add_view(request, self._context(request))

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return endpoint_pages.edit_view(request, self._context(request), pk)

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts}

    def headline(self, row: NotificationEndpoint) -> Any:
        return endpoint_chip(row)

    def panels(self, request: HttpRequest, row: NotificationEndpoint) -> list[Panel]:
        fault = [Panel("failure", "Why it is off", "console/reason.html", {"text": row.disabled_reason})]
        return [
            *(fault if row.disabled_reason else []),
            facts("where", "Where events go", self._where(row)),
            facts("state", "State", self._state(row)),
            deliveries_panel(row.deliveries.select_related("event", "endpoint").order_by("-pk")[:_SHOWN]),
            alarms_panel(row.alarms.order_by("-pk")[:_SHOWN]),
        ]

    def _where(self, endpoint: NotificationEndpoint) -> list[tuple[str, Any]]:
        shown = {name: value for name, value in endpoint.authentication.items() if name != "type"}
        return [
            ("URL", endpoint.url),
            ("Method", endpoint.http_method),
            ("Authentication", endpoint.authentication.get("type", "none")),
            *((name, value) for name, value in shown.items()),
            ("Events", ", ".join(endpoint.event_types)),
            ("Integration", endpoint.integration_user),
            ("Job has to end within", duration(endpoint.expected_seconds) if endpoint.integration_user_id else NOTHING),
        ]

    def _state(self, endpoint: NotificationEndpoint) -> list[tuple[str, Any]]:
        secrets = SigningSecret.objects.filter(endpoint=endpoint).valid().values_list("created_at", "expires_at")
        return [
            ("Failing since", ago(endpoint.failing_since)),
            ("Signing secrets", ", ".join(f"{made:%Y-%m-%d}{' (ends)' if ends else ''}" for made, ends in secrets)),
            ("Made by", endpoint.created_by),
            ("Changed by", endpoint.last_updated_by),
            ("Last change", moment(endpoint.last_updated_date)),
            ("Version", endpoint.version),
        ]


def deliveries_panel(deliveries: Any) -> Panel:
    lines = [
        [page_of("delivery", one.pk, f"delivery {one.pk}"), delivery_chip(one),
         subscriptions.in_words(one.event.type, one.event.outcome), one.endpoint.name, ago(one.creation_date),
         ago(one.due_at) if one.status == DeliveryStatus.PENDING else NOTHING]
        for one in deliveries
    ]  # fmt: skip
    headings = ["Delivery", "Status", "Event", "Endpoint", "Made", "Next try"]
    return table("deliveries", "Deliveries", headings, lines, empty="Nothing was sent.")


def alarms_panel(alarms: Any) -> Panel:
    lines = [[moment(one.created_at), one.get_kind_display(), one.text] for one in alarms]
    return table("alarms", "Alarms", ["When", "What", "Text"], lines, empty="None.")


@admin.register(NotificationEvent)
class NotificationEventAdmin(PageMixin, ReadOnlyAdmin):
    """What was told, to whom."""

    list_display = ("id", "type", "outcome", "subject", "age", "webhook_id")
    list_filter = (
        one_of("type", lambda: [*subscriptions.operations(), *subscriptions.ALARMS, subscriptions.TEST]),
        one_of("outcome", lambda: subscriptions.OUTCOMES),
        period_of("creation_date", "time"),
    )
    ordering = ("-id",)
    search_fields = ("=webhook_id", "=subject")
    search_help_text = "Webhook id, or path below /api/"

    @admin.display(description="age", ordering="id")
    def age(self, event: NotificationEvent) -> Any:
        return ago(event.creation_date)

    def panels(self, request: HttpRequest, row: NotificationEvent) -> list[Panel]:
        about = [
            ("Type", row.type),
            ("Outcome", row.outcome),
            ("About", row.subject),
            ("Webhook id", code(row.webhook_id)),
            ("When", moment(row.creation_date)),
        ]
        return [
            facts("about", "Event", about),
            Panel("body", "Body", "console/text.html", {"text": pretty(row.body)}, wide=False),
            deliveries_panel(row.deliveries.select_related("event", "endpoint").order_by("pk")[:_SHOWN]),
        ]


def pretty(text: str | bytes) -> str:
    """JSON with line breaks; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


@admin.register(Delivery)
class DeliveryAdmin(LiveListMixin, PageMixin, ActingAdmin):
    """One event for one endpoint, with every call that was made for it."""

    list_display = ("id", "chip", "what", "endpoint", "tries", "next_try", "age", "job")
    live_columns = ("chip", "tries", "next_try")
    quiet_seconds = 10
    list_filter = ("status", PeriodFilter, "endpoint")
    list_select_related = ("event", "endpoint", "job")
    ordering = ("-id",)
    search_fields = ("=event__webhook_id", "=event__subject", "=job__job_id")
    search_help_text = "Webhook id, path below /api/, or job id"
    named_actions = (
        NamedAction(
            "redeliver", "Send again", "notifications.redeliver_delivery",
            "Sends the event once more under the same webhook-id, now.", _redeliver, _cannot_redeliver, icon="replay",
        ),
    )  # fmt: skip

    def is_live(self, row: Delivery) -> bool:
        return row.status in {DeliveryStatus.PENDING, DeliveryStatus.SENDING}

    @live("status")
    def chip(self, delivery: Delivery) -> Any:
        return delivery_chip(delivery)

    @admin.display(description="event")
    def what(self, delivery: Delivery) -> str:
        return subscriptions.in_words(delivery.event.type, delivery.event.outcome)

    @live("calls")
    def tries(self, delivery: Delivery) -> Any:
        return delivery.epoch

    @live("next try")
    def next_try(self, delivery: Delivery) -> Any:
        return ago(delivery.due_at) if delivery.status == DeliveryStatus.PENDING else NOTHING

    @admin.display(description="age", ordering="id")
    def age(self, delivery: Delivery) -> Any:
        return ago(delivery.creation_date)

    def headline(self, row: Delivery) -> Any:
        return delivery_chip(row)

    def panels(self, request: HttpRequest, row: Delivery) -> list[Panel]:
        calls = [call_of(one) for one in row.attempts.order_by("-number")[:_SHOWN]]
        return [
            facts("about", "Delivery", self._about(row)),
            Panel("body", "What is sent", "console/text.html", {"text": pretty(row.body())}, wide=False),
            Panel("calls", f"Calls: {len(calls)}", "console/calls.html", {"calls": calls}),
        ]

    def _about(self, delivery: Delivery) -> list[tuple[str, Any]]:
        job = delivery.job
        return [
            (
                "Event",
                page_of(
                    "notificationevent",
                    delivery.event_id,
                    subscriptions.in_words(delivery.event.type, delivery.event.outcome),
                ),
            ),
            ("Webhook id", code(delivery.event.webhook_id)),
            ("About", delivery.event.subject),
            ("Endpoint", page_of("notificationendpoint", delivery.endpoint_id, delivery.endpoint)),
            ("Made", moment(delivery.creation_date)),
            ("Delivered", moment(delivery.delivered_at)),
            ("Next try", ago(delivery.due_at) if delivery.status == DeliveryStatus.PENDING else NOTHING),
            ("Retries", delivery.retries),
            ("Job", anchor(reverse("admin:callbacks_integrationjob_change", args=[job.pk]), job) if job else NOTHING),
        ]


def call_of(attempt: Attempt) -> dict[str, Any]:
    """One call as the page shows it: the request, the answer and the time between."""
    ended, body = attempt.ended_at, bytes(attempt.response_body)
    delivered = attempt.outcome == Outcome.DELIVERED
    tone = Tone.BUSY if ended is None else Tone.GOOD if delivered else Tone.BAD
    answer = [f"{name}: {value}" for name, value in attempt.response_headers]
    return {
        "id": attempt.pk,
        "number": attempt.number,
        "chip": chip(attempt.outcome or "under way", tone),
        "at": moment(attempt.started_at),
        "lasted": duration(ended - attempt.started_at) if ended else "",
        "reason": attempt.reason,
        "request": "\n".join([f"{attempt.method} {attempt.url}", *_lines(attempt.request_headers)]),
        "status": attempt.response_status,
        "answer": "\n".join(answer),
        "body": pretty(body[:_SHOWN_LETTERS]) if body else "",
        "is_cut": attempt.response_is_cut or len(body) > _SHOWN_LETTERS,
    }


def _lines(headers: dict[str, Any]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


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
            ("About", row.subject),
            ("Endpoint", page_of("notificationendpoint", endpoint.pk, endpoint) if endpoint else NOTHING),
            ("Job", anchor(reverse("admin:callbacks_integrationjob_change", args=[job.pk]), job) if job else NOTHING),
            ("Mailed", moment(row.mailed_at)),
        ]
        return [facts("about", "Alarm", about, wide=True)]
