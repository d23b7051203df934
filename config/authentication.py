"""Who is asking: HTTP Basic, bearer tokens, and in development the seed's `Authorization: user NAME`.

This is how the header of the API is written; jobs/callbacks/credentials.py looks up what it says, for `/ws` too.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from config.errors import WWW_AUTHENTICATE
from hypermedia.errors import TooMany, Unauthorized
from hypermedia.origin import address_of
from hypermedia.readers import Reader
from jobs.callbacks.credentials import (
    Locked,
    read_basic,
    reader_of,
    user_by_password,
    user_by_token,
    users,
    why_not,
)
from jobs.callbacks.models import AccessToken

Authenticated = tuple[User, Reader]


class SchemeAuthentication(BaseAuthentication):
    """One scheme of the Authorization header; leaves other schemes to the other classes."""

    scheme: bytes

    def authenticate(self, request: Request) -> Authenticated | None:
        given = str(request.META.get("HTTP_AUTHORIZATION", "")).encode("latin-1")
        scheme, _, value = given.strip().partition(b" ")
        if scheme.lower() != self.scheme:
            return None
        user = self.user_for(value.strip(), request)
        return user, reader_of(user)

    def user_for(self, value: bytes, request: Request) -> Any:
        """Raises Unauthorized."""
        raise NotImplementedError

    def authenticate_header(self, request: Request) -> str:
        return WWW_AUTHENTICATE


class BasicAuthentication(SchemeAuthentication):
    """HTTP Basic."""

    scheme = b"basic"

    def user_for(self, value: bytes, request: Request) -> Any:
        """Raises TooMany as well. What is said of a wrong name is said of a wrong password."""
        known = read_basic(value)
        if known is None:
            raise Unauthorized("The Basic credentials cannot be read: they are name:password in UTF-8, as base64.")
        try:
            user = user_by_password(*known, address_of(request))
        except Locked as error:
            text = (
                f"Too many wrong passwords for this name from this address; try again in {error.retry_after} seconds."
            )
            raise TooMany(text, retry_after=error.retry_after) from error
        if user is None:
            raise Unauthorized("User name or password is wrong.")
        return user


class TokenAuthentication(SchemeAuthentication):
    """`Authorization: Bearer <token>` with a token of the API; a callback's token opens nothing here."""

    scheme = b"bearer"

    def user_for(self, value: bytes, request: Request) -> Any:
        user = user_by_token(value, AccessToken.Scope.API)
        if user is None:
            raise Unauthorized(why_not(value, AccessToken.Scope.API))
        return user


class UserHeaderAuthentication(SchemeAuthentication):
    """The seed's `Authorization: user testuser1`, a name without a proof. settings.py refuses it in production."""

    scheme = b"user"

    def user_for(self, value: bytes, request: Request) -> Any:
        name = value.decode("utf-8", "replace")
        if not settings.DEVELOPMENT_USER_HEADER:
            raise Unauthorized("The scheme `user` works in development only; give HTTP Basic, or a bearer token.")
        user = None if "\x00" in name else users().filter(username=name).first()
        if user is None:
            raise Unauthorized("There is no such user.")
        return user


class OtherAuthentication(BaseAuthentication):
    """Any other scheme: nobody, and told so."""

    text = "This scheme is not known here; give HTTP Basic, or a bearer token."

    def authenticate(self, request: Request) -> Authenticated | None:
        if str(request.META.get("HTTP_AUTHORIZATION", "")).strip():
            raise Unauthorized(self.text)
        return None


class OnlyBasicAuthentication(OtherAuthentication):
    """The same where tokens are made."""

    text = "Give HTTP Basic here: a token cannot make others, so that one that leaked cannot prolong itself."
