"""Who is asking: HTTP Basic, bearer tokens, and in development the seed's `Authorization: user NAME`.

Each costs one statement: the user comes with the roles and the one permission that answers depend on.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import unicodedata
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group, Permission, User
from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from config.errors import WWW_AUTHENTICATE
from hypermedia.readers import Reader, Role
from jobs.callbacks.models import AccessToken, digest

Authenticated = tuple[User, Reader]


def users() -> QuerySet[Any]:
    """Active users, each with `role_names` and `reads_foreign_data`, in one statement."""
    holders = Permission.objects.filter(
        Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk")),
        codename="read_any_data",
        content_type__app_label="datafiles",
    )
    return User.objects.filter(is_active=True).annotate(
        role_names=ArraySubquery(Group.objects.filter(user=OuterRef("pk")).values("name")),
        reads_foreign_data=Exists(holders),
    )


def reader_of(user: Any) -> Reader:
    """What the API needs to know of a user that came from `users()`. A superuser has every role."""
    roles = frozenset(Role) if user.is_superuser else frozenset(user.role_names)
    return Reader(user.pk, user.username, roles, user.is_superuser or user.reads_foreign_data)


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
    """HTTP Basic. A verified password is remembered for a minute: hashing it on each call would cap the service."""

    scheme = b"basic"

    def user_for(self, value: bytes) -> Any:
        try:
            username, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        if not colon or "\x00" in username:
            return None
        user = users().filter(username=unicodedata.normalize("NFKC", username)).first()
        if user is None:
            make_password(password)  # as slow as a wrong password, so that names cannot be tried out
            return None
        return user if verified(user, password) else None


def verified(user: User, password: str) -> bool:
    """Whether the password is the user's. The cache key holds the stored hash, so a changed password ends it."""
    secret = f"{settings.SECRET_KEY}\x00{user.pk}\x00{user.password}".encode()
    key = "basic-" + hmac.new(secret, password.encode(), sha256).hexdigest()
    if cache.get(key):
        return True
    # The stored hash is checked as it is: upgrading it here would write during a read.
    if not check_password(password, user.password):
        return False
    cache.set(key, True, settings.BASIC_CACHE_SECONDS)
    return True


class TokenAuthentication(SchemeAuthentication):
    """`Authorization: Bearer <token>` with a token of the API; a callback's token opens nothing here."""

    scheme = b"bearer"

    def user_for(self, value: bytes) -> Any:
        valid = AccessToken.objects.valid().filter(
            digest=digest(value.decode("latin-1")), scope=AccessToken.Scope.API, user=OuterRef("pk")
        )
        return users().filter(Exists(valid)).first()


class UserHeaderAuthentication(SchemeAuthentication):
    """The seed's `Authorization: user testuser1`. settings.py refuses to load it in production."""

    scheme = b"user"

    def user_for(self, value: bytes) -> Any:
        name = value.decode("utf-8", "replace")
        return None if "\x00" in name else users().filter(username=name).first()
