"""Where a request comes from, for logs of who did what."""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest

# The address of the request being answered; None outside of requests.
address: ContextVar[str | None] = ContextVar("address", default=None)


def address_of(request: HttpRequest) -> str | None:
    """The client's address; behind our proxy the one that the proxy added to `X-Forwarded-For`, which is the last.

    None where the server does not know it, for one over a unix socket.
    """
    given = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_TLS_PROXY:
        given = request.headers.get("X-Forwarded-For", given).rpartition(",")[2].strip()
    return _written(given)


@lru_cache(maxsize=1024)
def _written(given: str) -> str | None:
    try:
        return str(ip_address(given.partition("%")[0]))
    except ValueError:
        return None
