"""Who may use `/ws`: users with the role integration, by Basic or by a token of the scope `ws`."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest

from hypermedia.origin import address_of
from hypermedia.readers import Role
from jobs.callbacks.answers import FORBIDDEN, UNAUTHORIZED, Refused
from jobs.callbacks.credentials import (
    Locked,
    accounts,
    by_name,
    by_token,
    read_basic,
    reader_of,
    user_by_password,
    user_by_token,
)
from jobs.callbacks.models import AccessToken

# `Bearer:x` is written by integrations that take the colon of `Authorization:` for the scheme's.
_AUTHORIZATION = re.compile(r"(?i:(?P<basic>basic) +|bearer(?: +|: *))(?P<value>\S+)")
_by_name, _by_token = by_name(accounts), by_token(accounts)


def caller(request: HttpRequest, *, token: bool = True) -> Any:
    """The user who calls, by password or, unless `token` is off, by token. Raises Refused (401)."""
    header = _AUTHORIZATION.fullmatch(str(request.META.get("HTTP_AUTHORIZATION", "")).strip())
    user = None
    if header is not None:
        value = header["value"].encode("latin-1", "replace")
        if header["basic"]:
            user = _by_password(value, address_of(request))
        elif token:
            user = user_by_token(value, AccessToken.Scope.CALLBACK, _by_token)
    if user is None:
        raise Refused(UNAUTHORIZED)
    return user


def _by_password(value: bytes, address: str | None) -> Any:
    """The user, or None; so too while somebody guesses: integrations know only the one answer to it."""
    known = read_basic(value)
    try:
        return known and user_by_password(*known, address, _by_name)
    except Locked:
        return None


def check_role(user: Any) -> None:
    """Raises Refused (403) unless the user is an integration."""
    if not reader_of(user).has(Role.INTEGRATION):
        raise Refused(FORBIDDEN)
