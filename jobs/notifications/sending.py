"""One delivery after another: claim, write the attempt down, call, record.

The claim and the record are transactions of their own, the call is in none. Both lock the endpoint first, so that
claims of one endpoint follow each other and its bound holds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from hypermedia.errors import printable
from hypermedia.failpoints import hit
from jobs.notifications import alarms, credentials, schedule, signing, vault
from jobs.notifications.client import Answer, CallFailed, Request, call
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint
from jobs.notifications.states import Move, Outcome

logger = logging.getLogger(__name__)
Value = TypeVar("Value")

FAILING_DAYS = timedelta(days=5)
KEPT_HEADERS, KEPT_HEADER_CHARACTERS = 50, 1000


@dataclass(frozen=True)
class Result:
    """What one call came to. `answer` is what there was of one."""

    outcome: Outcome
    reason: str = ""
    answer: Answer | None = None


def deliver_next(endpoint_id: int) -> bool:
    """Sends the delivery of this endpoint that waits longest; False when there is none, or enough are on their way."""
    delivery = claim(endpoint_id)
    if delivery is None:
        return False
    hit("delivery.claimed")
    attempt, result = make_call(delivery)
    hit("delivery.answered")
    record(delivery, attempt, result)
    logger.info("delivery %s: attempt %s, %s", delivery.pk, attempt.number, result.outcome)
    return True


@transaction.atomic
def claim(endpoint_id: int) -> Delivery | None:
    """PENDING, or SENDING with a lease that ran out -> SENDING and ours; None when there is nothing to claim."""
    endpoint = NotificationEndpoint.objects.lock(endpoint_id)
    if endpoint is None or not endpoint.active:
        return None
    if Delivery.objects.in_flight().filter(endpoint=endpoint).count() >= endpoint.calls_at_once:
        return None
    due = Delivery.objects.due().filter(endpoint=endpoint).select_related("event", "job").order_by("due_at", "pk")
    delivery = due.first()
    if delivery is None or not Delivery.objects.claim(delivery):
        return None
    delivery.endpoint = endpoint
    if delivery.epoch > 1:
        delivery.attempts.filter(ended_at=None).update(
            ended_at=Now(), outcome=Outcome.LOST, reason="The worker was lost before it could record the answer."
        )
    return delivery


def make_call(delivery: Delivery) -> tuple[Attempt, Result]:
    """The attempt's row, then the call. Whatever goes wrong is a result: an error that went through here would come
    back with every lease."""
    endpoint = delivery.endpoint
    attempt = Attempt(delivery=delivery, number=delivery.epoch, method=endpoint.http_method, url=endpoint.url)
    request = _attempted(lambda: _request(delivery))
    if isinstance(request, Request):
        attempt.request_headers = _shown(request.headers)
        attempt.save(force_insert=True)
        return attempt, _attempted(lambda: judge(call(request)))
    attempt.save(force_insert=True)
    return attempt, request


def _attempted(step: Callable[[], Value]) -> Value | Result:
    """What the step gives, or the result that it failed with."""
    try:
        return step()
    except CallFailed as error:
        return Result(error.outcome, error.reason, error.answer)
    except vault.Unreadable:
        return Result(Outcome.SECRET, "A secret was sealed under a key that is no longer configured.")
    except DatabaseError:
        raise  # not the receiver's doing, and nothing could be recorded
    except Exception as error:
        logger.exception("a call failed in a way that nobody expected")
        return Result(Outcome.UNEXPECTED, f"The call failed in a way that nobody expected ({type(error).__name__}).")


def _request(delivery: Delivery) -> Request:
    endpoint, body = delivery.endpoint, delivery.body()
    secrets = [vault.unseal(secret.sealed) for secret in endpoint.secrets.valid()]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Tallyport",
        **signing.headers(secrets, delivery.event.webhook_id, int(time.time()), body),
        **credentials.authorization(endpoint),
    }
    return Request(endpoint.http_method, endpoint.url, headers, body)


def _shown(headers: Any) -> dict[str, str]:
    return {name: "***" if name == "Authorization" else value for name, value in headers.items()}


def judge(answer: Answer) -> Result:
    """Only 2xx is a delivery."""
    if 200 <= answer.status < 300:
        return Result(Outcome.DELIVERED, "", answer)
    if answer.status == 410:
        return Result(Outcome.GONE, "The receiver says that it is gone for good (410).", answer)
    if 300 <= answer.status < 400:
        return Result(Outcome.REDIRECT, f"The receiver points elsewhere ({answer.status}); not followed.", answer)
    return Result(Outcome.STATUS, f"The receiver answered {answer.status}.", answer)


@transaction.atomic
def record(delivery: Delivery, attempt: Attempt, result: Result) -> None:
    """Stores what the call came to, and what follows for delivery and endpoint. A delivery that another worker has
    taken over keeps only the log of this attempt."""
    endpoint = NotificationEndpoint.objects.lock(delivery.endpoint_id)
    assert endpoint is not None  # deliveries protect their endpoint
    _log(attempt, result)
    if result.outcome == Outcome.DELIVERED:
        _delivered(delivery, endpoint)
    else:
        _failed(delivery, endpoint, attempt, result)
    hit("delivery.record")


def _delivered(delivery: Delivery, endpoint: NotificationEndpoint) -> None:
    silence = Now() + timedelta(seconds=settings.JOB_START_SECONDS) if delivery.job_id else None
    held = Delivery.objects.held(delivery)
    moved = held.move(Move.DELIVER, delivered_at=Now(), lease_expires_at=None, silence_due_at=silence)
    if moved and endpoint.failing_since is not None:
        NotificationEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)


def _failed(delivery: Delivery, endpoint: NotificationEndpoint, attempt: Attempt, result: Result) -> None:
    if result.answer is not None and result.answer.status == 401:
        credentials.forget_token(endpoint)
    gone = result.outcome == Outcome.GONE
    pause = None if gone else schedule.delay(delivery.retries, _retry_after(result))
    held = Delivery.objects.held(delivery)
    if pause is not None:
        moved = held.move(Move.RETRY, due_at=Now() + pause, retries=F("retries") + 1, lease_expires_at=None)
    elif moved := held.move(Move.GIVE_UP, lease_expires_at=None):
        alarms.delivery_given_up(delivery, result.reason)
    if moved:
        _endpoint_failed(endpoint, attempt, gone=gone)


def _log(attempt: Attempt, result: Result) -> None:
    answer = result.answer or Answer(0)
    Attempt.objects.filter(pk=attempt.pk).update(
        ended_at=Now(),
        outcome=result.outcome,
        reason=printable(result.reason)[:300],
        response_status=answer.status or None,
        response_headers=[
            [printable(name)[:100], printable(value)[:KEPT_HEADER_CHARACTERS]]
            for name, value in answer.headers[:KEPT_HEADERS]
        ],
        response_body=answer.body,
        response_is_cut=answer.is_cut,
    )


def _retry_after(result: Result) -> timedelta | None:
    value = result.answer.header("retry-after") if result.answer else None
    return schedule.retry_after(value, timezone.now())


def _endpoint_failed(endpoint: NotificationEndpoint, attempt: Attempt, *, gone: bool) -> None:
    """Notes since when it fails; a receiver that is gone, or fails for five days, is switched off."""
    rows = NotificationEndpoint.objects.filter(pk=endpoint.pk)
    rows.update(failing_since=Coalesce(F("failing_since"), attempt.started_at))
    tired = Q() if gone else Q(failing_since__lte=Now() - FAILING_DAYS)
    reason = "It answered that it is gone (410)." if gone else "It failed for five days."
    if rows.filter(tired, active=True).change(active=False, disabled_reason=reason):
        alarms.endpoint_disabled(endpoint, reason)
