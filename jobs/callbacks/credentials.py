"""Who is asking: a password or a token, each looked up in one statement.

The user comes with the roles and the one permission that answers depend on. Both `/api` and `/ws` read credentials
here; how the header is written, and what a refusal looks like, is theirs.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group, Permission, User
from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q, QuerySet

from hypermedia.readers import Reader, Role
from jobs.callbacks.models import AccessToken, digest


@lru_cache(maxsize=1)  # what is filtered is a copy; building the query takes longer than running it
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


def user_by_password(value: bytes) -> Any:
    """The user that the value of a Basic header names and proves, or None."""
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except ValueError:
        return None
    if not colon or "\x00" in username:
        return None
    user = users().filter(username=unicodedata.normalize("NFKC", username)).first()
    if user is None:
        make_password(password)  # as slow as a wrong password, so that names cannot be tried out
        return None
    return user if verified(user, password) else None


def acceptable(user: User, password: str) -> bool:
    """False in production for a password that is the user's name, as development's users have it.

    Whoever brings a development database into production must not bring its open doors.
    """
    return settings.DEVELOPMENT or password != user.username


def verified(user: User, password: str) -> bool:
    """Whether the password is the user's, and acceptable.

    Remembered for a minute: hashing it on each call would cap the service. The cache key holds the stored hash, so a
    changed password ends it.
    """
    if not acceptable(user, password):
        return False
    secret = f"{settings.SECRET_KEY}\x00{user.pk}\x00{user.password}".encode()
    key = "basic-" + hmac.new(secret, password.encode(), sha256).hexdigest()
    if cache.get(key):
        return True
    # The stored hash is checked as it is: upgrading it here would write during a read.
    if not check_password(password, user.password):
        return False
    cache.set(key, True, settings.BASIC_CACHE_SECONDS)
    return True


def user_by_token(value: bytes, scope: str) -> Any:
    """The user whose valid token of this scope it is, or None."""
    valid = AccessToken.objects.valid().filter(digest=digest(value.decode("latin-1")), scope=scope, user=OuterRef("pk"))
    return users().filter(Exists(valid)).first()
