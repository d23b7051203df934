"""Who is asking: a password or a token, each looked up in one statement.

The user comes with the roles and the one permission that answers depend on. Both `/api` and `/ws` read credentials
here; how the header is written, and what a refusal looks like, is theirs.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group, Permission, User
from django.contrib.postgres.expressions import ArraySubquery
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from hypermedia.database import row
from hypermedia.readers import Reader, Role
from jobs.callbacks.guesses import guesses
from jobs.callbacks.models import AccessToken, digest


def accounts() -> QuerySet[Any]:
    """Active users, each with `role_names`, in one statement."""
    return User.objects.filter(is_active=True).annotate(
        role_names=ArraySubquery(Group.objects.filter(user=OuterRef("pk")).values("name"))
    )


def users() -> QuerySet[Any]:
    """Accounts, each also with `reads_foreign_data`: PostgreSQL plans that longer than all the rest together."""
    holders = Permission.objects.filter(
        Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk")),
        codename="read_any_data",
        content_type__app_label="datafiles",
    )
    found: QuerySet[Any] = accounts().annotate(reads_foreign_data=Exists(holders))
    return found


# What is asked of who asks; anything else of a user is read when it is wanted.
_COLUMNS = ("id", "password", "is_superuser", "username", "is_active")


class Lookup:
    """A query for one user with slots for what is known only at the call.

    Compiled once, and the row read by hand: the ORM needs longer for either than PostgreSQL to answer.
    """

    def __init__(self, build: Callable[..., QuerySet[Any]], *slots: str) -> None:
        self._build = build
        self._slots = slots

    @cached_property
    def _compiled(self) -> tuple[str, tuple[Any, ...], list[str]]:
        """The statement, its parameters, and the names of what it brings beside the columns of a user."""
        query = self._build(*self._slots).only(*_COLUMNS).query
        return *query.sql_with_params(), list(query.annotation_select)

    def __call__(self, *values: str) -> Any:
        """The user, or None. One value for each slot."""
        sql, parameters, annotations = self._compiled
        given = dict(zip(self._slots, values, strict=True))
        found = row(sql, [given.get(parameter, parameter) for parameter in parameters])
        if found is None:
            return None
        user = User.from_db(DEFAULT_DB_ALIAS, _COLUMNS, found[: len(_COLUMNS)])
        for name, value in zip(annotations, found[len(_COLUMNS) :], strict=True):
            setattr(user, name, value)
        return user


def by_name(population: Callable[[], QuerySet[Any]]) -> Lookup:
    """Finds a user of `population` (`users` or `accounts`) by name."""
    return Lookup(lambda name: population().filter(username=name), "<name>")


def by_token(population: Callable[[], QuerySet[Any]]) -> Lookup:
    """Finds the user of a valid token by its digest and its scope."""

    def build(stored: str, scope: str) -> QuerySet[Any]:
        valid = AccessToken.objects.valid().filter(digest=stored, scope=scope, user=OuterRef("pk"))
        return population().filter(Exists(valid))

    return Lookup(build, "<digest>", "<scope>")


user_by_name = by_name(users)
_user_by_token = by_token(users)


def reader_of(user: Any) -> Reader:
    """What answers depend on, of a user out of `users()` or `accounts()`. A superuser has every role."""
    roles = frozenset(Role) if user.is_superuser else frozenset(user.role_names)
    reads_foreign_data = user.is_superuser or getattr(user, "reads_foreign_data", False)
    return Reader(user.pk, user.username, roles, reads_foreign_data)


class Locked(Exception):
    """Too many wrong passwords for this name from this address. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


def read_basic(value: bytes) -> tuple[str, str] | None:
    """Name and password out of the value of a Basic header; None when it holds none."""
    try:
        username, colon, password = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except ValueError:
        return None
    return (unicodedata.normalize("NFKC", username), password) if colon and "\x00" not in username else None


def user_by_password(username: str, password: str, address: str | None, find: Lookup = user_by_name) -> Any:
    """The user, if the password proves it, or None. Raises Locked."""
    user = find(username)
    if user is not None and is_remembered(user, password):
        return user
    tried = guesses(username, address)
    if tried.seconds_to_wait:
        raise Locked(tried.seconds_to_wait)
    if user is None:
        make_password(password)  # as slow as a wrong password, so that names cannot be tried out
    elif verified(user, password):
        tried.succeeded()
        return user
    tried.failed()
    return None


def acceptable(user: User, password: str) -> bool:
    """False in production for a password that is the user's name, as development's users have it.

    Whoever brings a development database into production must not bring its open doors.
    """
    return settings.DEVELOPMENT or password != user.username


def is_remembered(user: User, password: str) -> bool:
    """Whether the password was verified within the last minute: hashing it on each call would cap the service."""
    return acceptable(user, password) and bool(cache.get(_key(user, password)))


def verified(user: User, password: str) -> bool:
    """Whether the password is the user's, and acceptable; remembered for a minute."""
    # The stored hash is checked as it is: upgrading it here would write during a read.
    if not acceptable(user, password) or not check_password(password, user.password):
        return False
    cache.set(_key(user, password), True, settings.BASIC_CACHE_SECONDS)
    return True


def _key(user: User, password: str) -> str:
    """It holds the stored hash, so a changed password ends what is remembered."""
    secret = f"{settings.SECRET_KEY}\x00{user.pk}\x00{user.password}".encode()
    return "basic-" + hmac.new(secret, password.encode(), sha256).hexdigest()


def why_not(value: bytes, scope: str) -> str:
    """What is wrong with a token that opened nothing. Whoever has its text may know that much."""
    token = AccessToken.objects.filter(digest=digest(value.decode("latin-1"))).first()
    if token is None:
        return "The token is not known here; get another one."
    if token.scope != scope:
        return "This token opens another part of the service; those of /ws open only /ws, those of /api only /api."
    if token.revoked_at is not None:
        return "The token was revoked; get another one."
    if token.expires_at <= timezone.now():
        return "The token has expired; get another one."
    return "The token's user is no longer active."


def user_by_token(value: bytes, scope: str, find: Lookup = _user_by_token) -> Any:
    """The user whose valid token of this scope it is, or None."""
    return find(digest(value.decode("latin-1")), scope)
