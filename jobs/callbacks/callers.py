"""Who may use `/ws`: users with the role integration, by Basic or by a token of the scope `ws`."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest

from hypermedia.readers import Role
from jobs.callbacks.answers import FORBIDDEN, UNAUTHORIZED, Refused
from jobs.callbacks.credentials import reader_of, user_by_password, user_by_token
from jobs.callbacks.models import AccessToken

# `Bearer:x` is written by integrations that take the colon of `Authorization:` for the scheme's.
_AUTHORIZATION = re.compile(r"(?i:(?P<basic>basic) +|bearer(?: +|: *))(?P<value>\S+)")


def caller(request: HttpRequest, *, by_token: bool = True) -> Any:
    """The user who calls, by password or, unless `by_token` is off, by token. Raises Refused (401)."""
    header = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
    user = None
    if header is not None:
        value = header["value"].encode("latin-1", "replace")
        if header["basic"]:
            user = user_by_password(value)
        elif by_token:
            user = user_by_token(value, AccessToken.Scope.CALLBACK)
    if user is None:
        raise Refused(UNAUTHORIZED)
    return user


def check_role(user: Any) -> None:
    """Raises Refused (403) unless the user is an integration."""
    if not reader_of(user).has(Role.INTEGRATION):
        raise Refused(FORBIDDEN)
