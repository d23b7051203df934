"""Making jobs, recording what is reported of them, and issuing the tokens for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from audit import services as audit
from hypermedia.database import row
from hypermedia.errors import DomainError
from hypermedia.readers import Role
from jobs.callbacks.answers import JOB_NOT_FOUND, UPDATED, Answer
from jobs.callbacks.credentials import reader_of, users
from jobs.callbacks.models import AccessToken, IntegrationJob, StatusReport
from jobs.callbacks.received import Received
from jobs.callbacks.states import Status, Verdict, verdicts_on


class NotAnIntegration(DomainError):
    """The user cannot report on jobs, so a job of theirs would never end."""

    code = "JOB-IP-001"


@dataclass
class Call:
    """What is known of one call so far; it grows while the checks pass."""

    request_id: str
    user_id: int | None = None
    received: Received = field(default_factory=Received)


def create_job(*, integration_id: int) -> IntegrationJob:
    """A new job that the user may report on. Raises NotAnIntegration for a user without that role, or inactive."""
    user = users().filter(pk=integration_id).first()
    if user is None or not reader_of(user).has(Role.INTEGRATION):
        raise NotAnIntegration(f"User {integration_id} is no active user with the role {Role.INTEGRATION}.")
    return IntegrationJob.objects.create(integration_id=integration_id)


# The job is locked first, so a second report waits here and then sees what the first one made of the job. Its verdict
# is computed from the locked row; everything else follows from it.
_RECORD = """
    WITH job AS (
        SELECT id, %(verdicts)s::jsonb ->> coalesce(status, '') AS verdict
          FROM callbacks_integrationjob
         WHERE job_id = %(job_id)s AND integration_id = %(user_id)s
           FOR NO KEY UPDATE
    ), changed AS (
        UPDATE callbacks_integrationjob AS changing
           SET status = CASE verdict WHEN 'applied' THEN %(status)s ELSE status END,
               message = CASE verdict WHEN 'applied' THEN %(message)s ELSE message END,
               flagged = flagged OR verdict = 'stale',
               version = version + 1,
               last_report_at = statement_timestamp()
          FROM job
         WHERE changing.id = job.id
    )
    INSERT INTO callbacks_statusreport
           (job_id, user_id, received_job_id, received_status, received_message, answered, verdict, request_id)
    SELECT job.id, %(user_id)s, %(job_id)s, %(status)s, %(message)s,
           CASE WHEN job.id IS NULL THEN %(not_found)s ELSE %(updated)s END,
           coalesce(job.verdict, %(rejected)s), %(request_id)s
      FROM (SELECT) AS this_call LEFT JOIN job ON true
 RETURNING answered, id
"""


def record(call: Call, status: Status) -> tuple[Answer, int]:
    """Decides and keeps a call that passed every check, in one statement: the answer and its audit id."""
    parameters = {
        "verdicts": json.dumps(verdicts_on(status)),
        "job_id": call.received.job_id,
        "user_id": call.user_id,
        "status": status.value,
        "message": call.received.message,
        "not_found": JOB_NOT_FOUND.status,
        "updated": UPDATED.status,
        "rejected": Verdict.REJECTED.value,
        "request_id": call.request_id,
    }
    recorded = row(_RECORD, parameters)
    assert recorded is not None  # it brings one, whatever it decides
    answered, audit_id = recorded
    return (UPDATED if answered == UPDATED.status else JOB_NOT_FOUND), audit_id


def keep(call: Call, answer: Answer) -> int:
    """Keeps a call that reached no job; its audit id."""
    return StatusReport.objects.create(
        user_id=call.user_id,
        received_job_id=call.received.job_id,
        received_status=call.received.status,
        received_message=call.received.message,
        answered=answer.status,
        verdict=Verdict.REJECTED,
        request_id=call.request_id,
    ).pk


def issue_token(*, user: Any, seconds: int) -> tuple[str, datetime]:
    """A token for `/ws`: its text and its end. The user's expired ones go, so that none pile up."""
    AccessToken.objects.filter(user=user, scope=AccessToken.Scope.CALLBACK).expired().delete()
    expires_at = timezone.now() + timedelta(seconds=seconds)
    _, text = AccessToken.objects.issue(user=user, name="", scope=AccessToken.Scope.CALLBACK, expires_at=expires_at)
    audit.record("token.issue", user_id=user.pk, subject="ws/rest/service/v2/auth/token")
    return text, expires_at
