"""Deliveries with every call that was made for them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from audit.console.actions import Acting, ActingAdmin, NamedAction, NecessaryReasonForm
from hypermedia.console import LiveListMixin, PageMixin, Panel, facts, live
from hypermedia.finding import ExactSearchMixin
from hypermedia.narrowing import PeriodFilter, SelectFilter, chosen_by
from hypermedia.showing import NOTHING, Tone, ago, anchor, chip, code, duration, joined, moment
from hypermedia.subjects import subject_link
from jobs.notifications import services, subscriptions
from jobs.notifications.console.appearance import SHOWN, delivery_chip, let_be_chip, outcome_in_words, page_of, pretty
from jobs.notifications.models import Attempt, Delivery, DeliveryQuerySet, NotificationEvent
from jobs.notifications.states import DeliveryStatus, Move, Outcome, allowed_from

_SHOWN_LETTERS = 4000  # of an answer's body
_NEWEST = 2_000


def _redeliver(delivery: Delivery, acting: Acting) -> str:
    services.redeliver(delivery_id=delivery.pk)
    return f"Delivery {delivery.pk} is on its way again."


def _cannot_redeliver(delivery: Delivery) -> str | None:
    return None if delivery.status in allowed_from(Move.REDELIVER) else "It is being sent at this moment."


def _let_be(delivery: Delivery, acting: Acting) -> str:
    services.acknowledge(delivery_id=delivery.pk)
    return f"Delivery {delivery.pk} is let be."


def _cannot_let_be(delivery: Delivery) -> str | None:
    if delivery.status != DeliveryStatus.FAILED:
        return "It was not given up."
    return "Somebody has let it be already." if delivery.acknowledged else None


class EventTypeFilter(SelectFilter):
    """By the type of the event, among its newest: the deliveries of a rare type cannot be looked for in all."""

    title = "event"
    parameter_name = "event_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, subscriptions.in_words(name, "")) for name in subscriptions.event_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in subscriptions.event_types():
            return queryset
        newest = NotificationEvent.objects.filter(type=self.value()).order_by("-pk").values("pk")[:_NEWEST]
        return queryset.filter(event__in=newest)


@admin.register(Delivery)
class DeliveryAdmin(ExactSearchMixin, LiveListMixin, PageMixin, ActingAdmin):
    """One event for one endpoint, with every call that was made for it."""

    list_display = ("id", "chip", "what", "endpoint", "tries", "next_try", "age", "job")
    live_columns = ("chip", "tries", "next_try")
    quiet_seconds = 10
    list_filter = (
        "status",
        "endpoint",
        EventTypeFilter,
        chosen_by(
            "due",
            "needs somebody",
            {
                "late": ("due, and nobody sends it", DeliveryQuerySet.late),
                "given-up": ("given up, and nobody let it be", DeliveryQuerySet.needing_a_look),
            },
        ),
        PeriodFilter,
    )
    list_select_related = ("event", "endpoint", "job")
    ordering = ("-id",)
    search_fields = ("event__webhook_id", "event__subject", "job__job_id")
    search_help_text = "Webhook id, path below /api/, or job id"
    named_actions = (
        NamedAction(
            "redeliver", "Send again", "notifications.redeliver_delivery",
            "Sends the event once more under the same webhook-id, now.", _redeliver, _cannot_redeliver, icon="replay",
        ),
        NamedAction(
            "acknowledge", "Let it be", "notifications.acknowledge_delivery",
            "Takes the delivery from the list of what needs an operator. It can still be sent again.", _let_be,
            _cannot_let_be, form=NecessaryReasonForm, icon="task_alt",
        ),
    )  # fmt: skip

    def is_live(self, row: Delivery) -> bool:
        return row.status in {DeliveryStatus.PENDING, DeliveryStatus.SENDING}

    @live("status")
    def chip(self, delivery: Delivery) -> Any:
        return joined(delivery_chip(delivery), let_be_chip(delivery))

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
        return self.chip(row)

    def panels(self, request: HttpRequest, row: Delivery) -> list[Panel]:
        calls = [call_of(one) for one in row.attempts.order_by("-number")[:SHOWN]]
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
            ("About", subject_link(delivery.event.subject)),
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
        "chip": chip(outcome_in_words(attempt), tone),
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
