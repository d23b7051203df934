"""Access tokens. The job and its status reports live here too once integrations exist."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

_PREFIX = "tp_"  # makes a leaked token recognisable to secret scanners


def digest(token: str) -> str:
    """What is stored of a token. It has 256 random bits: a fast hash without salt gives nothing away."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    def issue(self, *, user: Any, name: str, scope: str, expires_at: datetime) -> tuple[AccessToken, str]:
        """A new token and its text, which is shown once and stored nowhere."""
        text = _PREFIX + secrets.token_urlsafe(32)
        return self.create(user=user, name=name, scope=scope, expires_at=expires_at, digest=digest(text)), text

    def valid(self) -> Self:
        return self.filter(Q(expires_at__gt=Now()), revoked_at=None)


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

    def __str__(self) -> str:
        return self.name or f"token {self.pk}"
