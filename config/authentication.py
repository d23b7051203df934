"""Who is asking: HTTP Basic, bearer tokens, and in development the seed's `Authorization: user NAME`.

This is how the header of the API is written; jobs/callbacks/credentials.py looks up what it says, for `/ws` too.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from config.errors import WWW_AUTHENTICATE
from hypermedia.readers import Reader
from jobs.callbacks.credentials import reader_of, user_by_password, user_by_token, users
from jobs.callbacks.models import AccessToken

Authenticated = tuple[User, Reader]


class SchemeAuthentication(BaseAuthentication):
    """One scheme of the Authorization header; leaves other schemes to the other classes."""

    scheme: bytes

    def authenticate(self, request: Request) -> Authenticated | None:
        scheme, _, value = get_authorization_header(request).strip().partition(b" ")
        if scheme.lower() != self.scheme:
            return None
        user = self.user_for(value.strip())
        if user is None:
            raise AuthenticationFailed
        return user, reader_of(user)

    def user_for(self, value: bytes) -> Any:
        raise NotImplementedError

    def authenticate_header(self, request: Request) -> str:
        return WWW_AUTHENTICATE


class BasicAuthentication(SchemeAuthentication):
    """HTTP Basic."""

    scheme = b"basic"

    def user_for(self, value: bytes) -> Any:
        return user_by_password(value)


class TokenAuthentication(SchemeAuthentication):
    """`Authorization: Bearer <token>` with a token of the API; a callback's token opens nothing here."""

    scheme = b"bearer"

    def user_for(self, value: bytes) -> Any:
        return user_by_token(value, AccessToken.Scope.API)


class UserHeaderAuthentication(SchemeAuthentication):
    """The seed's `Authorization: user testuser1`, a name without a proof. settings.py refuses it in production."""

    scheme = b"user"

    def user_for(self, value: bytes) -> Any:
        name = value.decode("utf-8", "replace")
        if not settings.DEVELOPMENT_USER_HEADER or "\x00" in name:
            return None
        return users().filter(username=name).first()
