"""Recording what the calls of a batch came to, and what follows for deliveries and endpoint: one transaction, which
locks the endpoint first. What a batch had no time for goes back as if it had never been claimed."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from hypermedia.database import prepared
from hypermedia.errors import printable
from hypermedia.failpoints import hit
from jobs.notifications import alarms, credentials, schedule
from jobs.notifications.claiming import Batch, Claimed
from jobs.notifications.models import Delivery, NotificationEndpoint
from jobs.notifications.results import Result
from jobs.notifications.states import Move, Outcome, allowed_from, leads_to
from jobs.notifications.wire import Answer

logger = logging.getLogger(__name__)

FAILING_DAYS = timedelta(days=5)
KEPT_HEADERS, KEPT_HEADER_CHARACTERS = 50, 1000

# The log is kept in any case; a delivery that another worker has taken over has another epoch.
_RECORD = """
    WITH ended AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%(ended)s::jsonb) AS e(
               delivery bigint, number int, started timestamptz, ended timestamptz, outcome text, reason text,
               status smallint, headers jsonb, body text, is_cut boolean)),
    logged AS (
        UPDATE notifications_attempt a
           SET started_at = e.started, ended_at = e.ended, outcome = e.outcome, reason = e.reason,
               response_status = e.status, response_headers = e.headers, response_body = decode(e.body, 'hex'),
               response_is_cut = e.is_cut
          FROM ended e
         WHERE a.delivery_id = ANY(%(deliveries)s::bigint[]) AND a.delivery_id = e.delivery AND a.number = e.number)
    UPDATE notifications_delivery d
       SET status = %(to)s, version = version + 1, last_updated_date = statement_timestamp(), delivered_at = e.ended,
           lease_expires_at = NULL, silence_due_at = CASE WHEN d.job_id IS NOT NULL THEN e.ended + %(silence)s END
      FROM ended e
     WHERE d.id = ANY(%(deliveries)s::bigint[]) AND d.id = e.delivery AND d.epoch = e.number
       AND d.status = ANY(%(from)s) AND e.outcome = %(delivered)s
"""
_GIVE_BACK = """
    WITH unsent AS MATERIALIZED (
        SELECT * FROM unnest(%(deliveries)s::bigint[], %(epochs)s::int[]) AS u(delivery, number)),
    given AS (
        UPDATE notifications_delivery d
           SET status = %(to)s, epoch = epoch - 1, version = version + 1, last_updated_date = statement_timestamp(),
               lease_expires_at = NULL
          FROM unsent u
         WHERE d.id = u.delivery AND d.epoch = u.number AND d.status = ANY(%(from)s)
        RETURNING u.*)
    DELETE FROM notifications_attempt a USING given g WHERE a.delivery_id = g.delivery AND a.number = g.number
"""


@dataclass(frozen=True)
class Ended:
    """One call that is over, in the database's time."""

    claimed: Claimed
    result: Result
    started_at: datetime
    ended_at: datetime

    @property
    def is_delivered(self) -> bool:
        return self.result.outcome == Outcome.DELIVERED


@transaction.atomic
def record(batch: Batch, calls: Sequence[Ended]) -> None:
    """Stores what each call came to and what follows from it, and gives back what was not sent. A delivery that another
    worker has taken over keeps only the log of this attempt."""
    endpoint = NotificationEndpoint.objects.lock(batch.endpoint.pk)
    assert endpoint is not None  # deliveries protect their endpoint
    if _record(calls) and endpoint.failing_since is not None:
        NotificationEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
    for call in calls:
        if not call.is_delivered:
            _failed(call, endpoint)
    _give_back(batch.deliveries[len(calls) :])
    hit("delivery.record")


def _record(calls: Sequence[Ended]) -> int:
    """The log of all, and the move of those that were delivered; how many moved."""
    parameters = {
        "ended": json.dumps([_logged(call) for call in calls]),
        "deliveries": [call.claimed.id for call in calls],
        "delivered": Outcome.DELIVERED.value,
        "silence": timedelta(seconds=settings.JOB_START_SECONDS),
        **_move(Move.DELIVER),
    }
    with prepared() as cursor:
        cursor.execute(_RECORD, parameters)
        return int(cursor.rowcount)


def _move(move: Move) -> dict[str, Any]:
    return {"to": leads_to(move).value, "from": [status.value for status in allowed_from(move)]}


def _logged(call: Ended) -> dict[str, Any]:
    answer = call.result.answer or Answer(0)
    return {
        "delivery": call.claimed.id,
        "number": call.claimed.epoch,
        "started": call.started_at.isoformat(),
        "ended": call.ended_at.isoformat(),
        "outcome": call.result.outcome.value,
        "reason": printable(call.result.reason)[:300],
        "status": answer.status or None,
        "headers": [
            [printable(name)[:100], printable(value)[:KEPT_HEADER_CHARACTERS]]
            for name, value in answer.headers[:KEPT_HEADERS]
        ],
        "body": answer.body.hex(),
        "is_cut": answer.is_cut,
    }


def _failed(call: Ended, endpoint: NotificationEndpoint) -> None:
    result, delivery = call.result, Delivery.objects.select_related("event").filter(pk=call.claimed.id).first()
    if result.answer is not None and result.answer.status == 401:
        credentials.forget_token(endpoint)
    if delivery is None:
        return  # forgotten meanwhile, with its event
    gone = result.outcome == Outcome.GONE
    pause = None if gone else schedule.delay(delivery.retries, _retry_after(result))
    held = Delivery.objects.held(call.claimed.id, call.claimed.epoch)
    if pause is not None:
        moved = held.move(Move.RETRY, due_at=Now() + pause, retries=F("retries") + 1, lease_expires_at=None)
    elif moved := held.move(Move.GIVE_UP, lease_expires_at=None):
        delivery.endpoint = endpoint
        alarms.delivery_given_up(delivery, result.reason)
    if moved:
        _endpoint_failed(endpoint, call.started_at, gone=gone)


def _retry_after(result: Result) -> timedelta | None:
    value = result.answer.header("retry-after") if result.answer else None
    return schedule.retry_after(value, timezone.now())


def _endpoint_failed(endpoint: NotificationEndpoint, since: datetime, *, gone: bool) -> None:
    """Notes since when it fails; a receiver that is gone, or fails for five days, is switched off."""
    rows = NotificationEndpoint.objects.filter(pk=endpoint.pk)
    rows.update(failing_since=Coalesce(F("failing_since"), since))
    tired = Q() if gone else Q(failing_since__lte=Now() - FAILING_DAYS)
    reason = "It answered that it is gone (410)." if gone else "It failed for five days."
    if rows.filter(tired, active=True).change(active=False, disabled_reason=reason):
        alarms.endpoint_disabled(endpoint, reason)


def _give_back(unsent: Sequence[Claimed]) -> None:
    if not unsent:
        return
    parameters = {
        "deliveries": [one.id for one in unsent],
        "epochs": [one.epoch for one in unsent],
        **_move(Move.GIVE_BACK),
    }
    with prepared() as cursor:
        cursor.execute(_GIVE_BACK, parameters)
