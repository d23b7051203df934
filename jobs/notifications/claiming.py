"""Claiming what is due to an endpoint: several deliveries at once, each with its attempt written down.

One transaction, which locks the endpoint first, so that claims of one endpoint follow each other and its bound holds.
What is claimed together shares one lease: so many leases, so many calls at once.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from hypermedia.database import prepared
from jobs.notifications import credentials, signing, vault
from jobs.notifications.models import Attempt, NotificationEndpoint, body_sent
from jobs.notifications.results import Result, attempted
from jobs.notifications.states import DeliveryStatus, Move, Outcome, leads_to

# The pending ones in the order of their index, however many there are; beside them what a lost worker left behind.
_CLAIM = """
    WITH pending AS (
        SELECT id, due_at FROM notifications_delivery
         WHERE endpoint_id = %(endpoint)s AND status = %(pending)s AND due_at <= statement_timestamp()
         ORDER BY due_at, id LIMIT %(looked_at)s),
    abandoned AS (
        SELECT id, due_at FROM notifications_delivery
         WHERE endpoint_id = %(endpoint)s AND status = %(sending)s AND lease_expires_at < statement_timestamp()
         ORDER BY lease_expires_at LIMIT %(looked_at)s),
    either AS MATERIALIZED (TABLE pending UNION ALL TABLE abandoned),
    leases AS (
        SELECT count(DISTINCT lease_expires_at) AS number FROM notifications_delivery
         WHERE endpoint_id = %(endpoint)s AND status = %(sending)s AND lease_expires_at >= statement_timestamp()),
    due AS MATERIALIZED (
        SELECT id, due_at FROM either
         WHERE (SELECT number FROM leases) < %(calls_at_once)s
         ORDER BY due_at, id LIMIT least(%(most)s, greatest(1, (SELECT count(*) FROM either) / %(shares)s))),
    sent AS MATERIALIZED (
        SELECT d.id, due.due_at, e.webhook_id::text, e.body, j.job_id::text
          FROM due JOIN notifications_delivery d USING (id) JOIN notifications_notificationevent e ON e.id = d.event_id
          LEFT JOIN callbacks_integrationjob j ON j.id = d.job_id)
    UPDATE notifications_delivery d
       SET status = %(claimed)s, epoch = epoch + 1, version = version + 1, last_updated_date = statement_timestamp(),
           lease_expires_at = statement_timestamp() + %(lease)s
      FROM sent
     WHERE d.id = sent.id AND (d.status = %(pending)s OR d.lease_expires_at < statement_timestamp())
    RETURNING sent.due_at, d.id, d.epoch, sent.webhook_id, sent.body, sent.job_id, statement_timestamp()
"""
_ATTEMPTS = """
    INSERT INTO notifications_attempt (
           delivery_id, number, started_at, method, url, request_headers, response_headers, response_body,
           response_is_cut, outcome, reason)
    SELECT (a->>'delivery')::bigint, (a->>'number')::int, statement_timestamp(), %(method)s, %(url)s, a->'headers',
           '[]', '', false, '', ''
      FROM jsonb_array_elements(%(attempts)s::jsonb) AS a
"""


@dataclass(frozen=True)
class Claimed:
    """A delivery that is ours for one lease. `headers` are signed, without credentials; or why they could not be."""

    id: int
    epoch: int
    webhook_id: str
    body: bytes
    headers: dict[str, str] | Result


@dataclass
class Batch:
    """What was claimed together, oldest first, at the database's time `claimed_at`; `began` is our clock's."""

    endpoint: NotificationEndpoint
    deliveries: list[Claimed]
    claimed_at: datetime
    began: float

    @property
    def age(self) -> float:
        """Seconds since the claim."""
        return time.monotonic() - self.began

    @property
    def now(self) -> datetime:
        """The database's time, so that what is recorded does not depend on this machine's clock."""
        return self.claimed_at + timedelta(seconds=self.age)

    @cached_property
    def authorization(self) -> dict[str, str]:
        """The header that proves who we are, which may cost a call. Raises CallFailed, Unreadable."""
        return credentials.authorization(self.endpoint)


@transaction.atomic
def claim(endpoint_id: int, most: int = 1, *, shares: int = 1) -> Batch | None:
    """PENDING, or SENDING with a lease that ran out -> SENDING and ours; None when there is nothing to claim, or enough
    is on its way. One of so many `shares` of what is due, `most` at most. An endpoint that fails gets one at a time."""
    endpoint = NotificationEndpoint.objects.lock(endpoint_id)
    if endpoint is None or not endpoint.active:
        return None
    began = time.monotonic()
    rows = _claimed_rows(endpoint, 1 if endpoint.failing_since else most, shares)
    if not rows:
        return None
    _close_lost([delivery_id for _, delivery_id, epoch, *_ in rows if epoch > 1])
    secrets = attempted(lambda: [vault.unseal(secret.sealed) for secret in endpoint.secrets.valid()])
    deliveries = [_signed(secrets, *row[1:6]) for row in rows]
    _write_attempts(endpoint, deliveries)
    return Batch(endpoint, deliveries, rows[0][-1], began)


def _claimed_rows(endpoint: NotificationEndpoint, most: int, shares: int) -> list[tuple[Any, ...]]:
    parameters: dict[str, Any] = {
        "endpoint": endpoint.pk,
        "most": most,
        "shares": shares,
        "looked_at": most * shares,
        "calls_at_once": endpoint.calls_at_once,
        "lease": timedelta(seconds=settings.DELIVERY_LEASE_SECONDS),
        "pending": DeliveryStatus.PENDING.value,
        "sending": DeliveryStatus.SENDING.value,
        "claimed": leads_to(Move.CLAIM).value,
    }
    with prepared() as cursor:
        cursor.execute(_CLAIM, parameters)
        return sorted(cursor.fetchall())


def _close_lost(delivery_ids: list[int]) -> None:
    """The attempts of workers whose lease ran out."""
    if delivery_ids:
        Attempt.objects.filter(delivery__in=delivery_ids, ended_at=None).update(
            ended_at=Now(), outcome=Outcome.LOST, reason="The worker was lost before it could record the answer."
        )


def _signed(
    secrets: list[str] | Result, delivery_id: int, epoch: int, webhook_id: str, event: str, job_id: str | None
) -> Claimed:
    body = attempted(lambda: body_sent(event, job_id))
    if isinstance(body, Result):
        return Claimed(delivery_id, epoch, webhook_id, b"", body)
    headers = secrets if isinstance(secrets, Result) else attempted(lambda: _headers(secrets, webhook_id, body))
    return Claimed(delivery_id, epoch, webhook_id, body, headers)


def _headers(secrets: list[str], webhook_id: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Tallyport",
        **signing.headers(secrets, webhook_id, int(time.time()), body),
    }


def _write_attempts(endpoint: NotificationEndpoint, deliveries: list[Claimed]) -> None:
    hidden = {"Authorization": "***"} if endpoint.needs_authorization else {}
    attempts = [
        {
            "delivery": one.id,
            "number": one.epoch,
            "headers": {} if isinstance(one.headers, Result) else one.headers | hidden,
        }
        for one in deliveries
    ]
    parameters = {"method": endpoint.http_method, "url": endpoint.url, "attempts": json.dumps(attempts)}
    with prepared() as cursor:
        cursor.execute(_ATTEMPTS, parameters)
