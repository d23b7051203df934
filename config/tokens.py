"""Long-lived tokens for `/api`: made here or in the console, shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.authentication import BasicAuthentication, OnlyBasicAuthentication
from hypermedia.errors import ResultMessage, RuleBroken
from hypermedia.fields import DateTimeValueField, TextField, date_time
from hypermedia.messages import StrictSerializer
from hypermedia.readers import Role
from hypermedia.views import ResourceView
from jobs.callbacks.models import AccessToken


class AccessTokenInput(StrictSerializer):
    name = TextField(max_length=100)
    expiry = DateTimeValueField(required=False)


class AccessTokensView(ResourceView):
    """`POST`: a new token of the caller's own. Its text is in this answer and nowhere else.

    Asked for with the password, not with a token: one that leaked must not be able to prolong itself.
    """

    authentication_classes = (BasicAuthentication, OnlyBasicAuthentication)
    roles = {"POST": (Role.CLIENT, Role.OPERATOR, Role.AUDITOR)}
    serializer_class: type[serializers.Serializer[Any]] = AccessTokenInput

    def post(self, request: Request) -> Response:
        body = self.read(AccessTokenInput)
        now = timezone.now()
        latest = now + timedelta(days=settings.ACCESS_TOKEN_MAX_DAYS)
        expires_at = body.get("expiry", min(latest, now + timedelta(days=settings.ACCESS_TOKEN_DAYS)))
        if not now < expires_at <= latest:
            text = f"A token has to expire in the future, at most {settings.ACCESS_TOKEN_MAX_DAYS} days from now."
            raise RuleBroken(ResultMessage("GEN-TOKN-001", text, "/expiry"))
        token, text = AccessToken.objects.issue(
            user=request.user, name=body["name"], scope=AccessToken.Scope.API, expires_at=expires_at
        )
        document = {
            "type": "accessToken",
            "id": token.pk,
            "name": token.name,
            "token": text,
            "expiry": date_time(expires_at),
        }
        return Response(document, status=201, headers={"Cache-Control": "no-store"})
