"""Every request that changes something, or reads data, leaves an entry: here, unless the service has left it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from audit.services import Result, record, recorded
from hypermedia.middleware import GetResponse

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Refusals that concern an object. What could not be read at all reached none, and would only fill the trail.
REFUSALS = frozenset({403, 404, 409, 410, 412})
_OWN_TRAIL = "/ws/"  # each call of the callback is kept as a status report
_CONVERTER = re.compile(r"<\w+:")


class AuditMiddleware:
    """A view's `audited` maps methods to actions: `{"GET": "data.read"}` for one that shows data, `{"POST": ""}` for
    one whose POST changes nothing. A changing method without a word there is recorded under its route."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        recorded.set(False)
        response = self.get_response(request)
        action = action_of(request)
        if action and is_worth_keeping(response.status_code):
            user = getattr(request, "user", None)
            if user is not None and user.is_authenticated:
                record(
                    action,
                    user_id=user.pk,
                    subject=request.path.removeprefix("/api").removeprefix("/"),
                    result=result_of(response.status_code),
                    status=response.status_code,
                )
        return response


def is_worth_keeping(status: int) -> bool:
    """A refusal always: what the service recorded before it was undone with its transaction."""
    return status in REFUSALS or status >= 500 or (status < 400 and not recorded.get())


def result_of(status: int) -> Result:
    return Result.DONE if status < 400 else Result.REFUSED if status < 500 else Result.FAILED


def action_of(request: HttpRequest) -> str:
    """What the request does, in a word; empty when it needs no entry."""
    match, method = request.resolver_match, str(request.method)
    if match is None or request.path.startswith(_OWN_TRAIL):
        return ""
    return _action(match.func, "GET" if method == "HEAD" else method, match.route)


@lru_cache(maxsize=1024)
def _action(function: Any, method: str, route: str) -> str:
    view = _view(function)
    words: Mapping[str, str] = getattr(view, "audited", {})
    if method in words:
        return words[method]
    if method not in CHANGING or (hasattr(view, "roles") and method not in view.roles):
        return ""
    return f"{method} {_CONVERTER.sub('<', route.removeprefix('api/'))}"[:120]


def _view(function: Any) -> Any:
    """The class of a view, or the page of the console."""
    return next(
        (found for name in ("cls", "view_class", "model_admin") if (found := getattr(function, name, None))), None
    )
