"""How endpoints and deliveries look in the console, on their own pages and on those of others."""

from __future__ import annotations

import json
from typing import Any

from django.urls import reverse

from hypermedia.console import Panel, table
from hypermedia.showing import NOTHING, Tone, ago, anchor, chip, moment
from jobs.notifications import subscriptions
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint
from jobs.notifications.states import DeliveryStatus, Outcome

TONES = {
    DeliveryStatus.PENDING: Tone.WAITING,
    DeliveryStatus.SENDING: Tone.BUSY,
    DeliveryStatus.DELIVERED: Tone.GOOD,
    DeliveryStatus.FAILED: Tone.BAD,
}
OUTCOMES = {Outcome.STATUS: "not accepted", Outcome.REDIRECT: "redirected", Outcome.GONE: "gone for good"}
SHOWN = 50  # attempts, deliveries and alarms on one page


def page_of(model: str, pk: int, text: Any) -> Any:
    return anchor(reverse(f"admin:notifications_{model}_change", args=[pk]), text)


def endpoint_chip(endpoint: NotificationEndpoint) -> Any:
    if not endpoint.active:
        return chip("off", Tone.BAD)
    return chip("failing", Tone.WAITING) if endpoint.failing_since else chip("active", Tone.GOOD)


def delivery_chip(delivery: Delivery) -> Any:
    return chip(delivery.status, TONES[DeliveryStatus(delivery.status)])


def let_be_chip(delivery: Delivery) -> Any:
    is_let_be = delivery.acknowledged and delivery.status == DeliveryStatus.FAILED
    return chip("let be", Tone.QUIET) if is_let_be else ""


def outcome_in_words(attempt: Attempt) -> str:
    """How a call ended, for people."""
    return OUTCOMES.get(Outcome(attempt.outcome), attempt.outcome) if attempt.outcome else "under way"


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


def pretty(text: str | bytes) -> str:
    """JSON with line breaks; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
