"""Jobs that integrations report on, the calls in which they do it, and the tokens that let them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from jobs.callbacks.states import Status, Verdict

_PREFIX = "tp_"  # makes a leaked token recognisable to secret scanners
JOB_ID_LENGTH = 15


def digest(token: str) -> str:
    """What is stored of a token. It has 256 random bits: a fast hash without salt gives nothing away."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def new_job_id() -> str:
    """60 random bits in the form of the seed's sample, `3A0429936DD166A`; to everybody else an opaque string."""
    return secrets.token_hex(JOB_ID_LENGTH)[:JOB_ID_LENGTH].upper()


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def issue(self, *, user: Any, name: str, scope: str, expires_at: datetime) -> tuple[AccessToken, str]:
        """A new token and its text, which is shown once and stored nowhere."""
        text = _PREFIX + secrets.token_urlsafe(32)
        return self.create(user=user, name=name, scope=scope, expires_at=expires_at, digest=digest(text)), text

    def valid(self) -> Self:
        return self.filter(Q(expires_at__gt=Now()), revoked_at=None)

    def expired(self) -> Self:
        return self.filter(expires_at__lte=Now())

    def revoke(self) -> int:
        """Ends every token of this set at once; the number that was not revoked before."""
        return self.filter(revoked_at=None).update(revoked_at=Now())


class AccessToken(models.Model):
    """A bearer token: hashed, expiring, revocable. Opens either `/api` or `/ws`, never both."""

    class Scope(models.TextChoices):
        API = "api"
        CALLBACK = "ws"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access_tokens")
    name = models.CharField(max_length=100, blank=True)
    scope = models.CharField(max_length=3, choices=Scope.choices)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        permissions = [("revoke_accesstoken", "Can revoke access tokens")]

    def __str__(self) -> str:
        return self.name or f"token {self.pk}"


class WrongPasswords(models.Model):
    """How many there were for a name from an address, since the first one. `key` is a digest of both."""

    key = models.CharField(max_length=64, primary_key=True)
    number = models.PositiveIntegerField()
    until = models.DateTimeField()

    class Meta:
        verbose_name_plural = "wrong passwords"

    def __str__(self) -> str:
        return f"{self.number} until {self.until}"


class IntegrationJobQuerySet(models.QuerySet["IntegrationJob"]):
    def acknowledge(self) -> int:
        """Takes the flag from the jobs of this set; the number that had one."""
        return self.filter(flagged=True).update(flagged=False)


class IntegrationJob(models.Model):
    """One piece of work of an integration, known outside by `job_id`. Its status is what the reports made it.

    `message` came with the report that set the status. `flagged`: something waits for an operator's eye, a stale
    report for one.
    Only the statement in `services.py` changes status, message, version and last_report_at.
    """

    job_id = models.CharField(max_length=JOB_ID_LENGTH, unique=True, default=new_job_id, editable=False)
    integration = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="integration_jobs")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    status = models.CharField(max_length=9, null=True, editable=False, choices=[(s.value, s.value) for s in Status])
    message = models.TextField(null=True, editable=False)
    flagged = models.BooleanField(default=False, editable=False)
    last_report_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = IntegrationJobQuerySet.as_manager()

    class Meta:
        verbose_name = "job"
        indexes = [
            models.Index(fields=["id"], name="job_flagged", condition=Q(flagged=True)),
            BrinIndex(fields=["created_at"], name="job_created", autosummarize=True),
        ]
        permissions = [("acknowledge_integrationjob", "Can take the flag from jobs with stale reports")]

    def __str__(self) -> str:
        return self.job_id


class StatusReport(models.Model):
    """One call of the status callback, whatever became of it. The id is the answer's `rest_audit_id`.

    `answered` is the status in the answer's body. What was received is kept as text, cut at 4,000 characters; of a
    caller without valid credentials nothing is.
    """

    job = models.ForeignKey(IntegrationJob, on_delete=models.CASCADE, null=True, related_name="reports", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    received_job_id = models.TextField(null=True)
    received_status = models.TextField(null=True)
    received_message = models.TextField(null=True)
    answered = models.PositiveSmallIntegerField()
    verdict = models.CharField(max_length=9, choices=[(v.value, v.value) for v in Verdict])
    request_id = models.CharField(max_length=64)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        # Calls come in the order of their times, so the console's periods need hardly any index.
        indexes = [
            models.Index(fields=["job", "id"], name="report_of_job"),
            BrinIndex(fields=["received_at"], name="report_received", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"report {self.pk}"
