"""What every API answer carries: a request id and the headers of the seed."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase, ResponseHeaders

from hypermedia.origin import address, address_of

request_id: ContextVar[str] = ContextVar("request_id", default="-")

GetResponse = Callable[[HttpRequest], HttpResponseBase]
_DOCUMENTATION = "/api/docs"
_PAGES = {"/admin", _DOCUMENTATION}
_NOTHING_RUNS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


class RequestIdFilter(logging.Filter):
    """Puts the id of the request being answered on each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class RequestIdMiddleware:
    """`X-Request-ID`: the caller's when it is sane, else a new one; in the answer and in every log line."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        current = given if _SANE_ID.fullmatch(given) else secrets.token_hex(16)
        # Not taken back at the end: Django logs refusals, and servers send streams, after this has returned.
        request_id.set(current)
        address.set(address_of(request))
        response = self.get_response(request)
        response["X-Request-ID"] = current
        return response


class ApiHeadersMiddleware:
    """The seed's headers, to the letter, on every answer of the API (the callback under /ws included)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        headers = {
            "Vary": "Accept,Accept-Encoding,Accept-Language,Origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "deny",
            "X-XSS-Protection": "1; mode=block",
            "X-OHI-APP-ID": settings.OHI_APP_ID,
            "X-OHI-APP-VERSION": settings.OHI_APP_VERSION,
        }
        # As a response keeps them, encoded once: set one by one they cost as much as the JSON of a small document.
        self._kept: Any = vars(ResponseHeaders(headers | _NOTHING_RUNS))["_store"]
        self._of_documentation: Any = vars(ResponseHeaders(headers))["_store"]  # a page, with scripts of its own

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if is_api(request.path):
            vars(response.headers)["_store"].update(self._kept)
        elif request.path == _DOCUMENTATION:
            vars(response.headers)["_store"].update(self._of_documentation)
        if response.status_code in {204, 304}:
            # Django counts the empty body, and calls it HTML; these answers describe none.
            del response["Content-Length"], response["Content-Type"]
        return response


def is_api(path: str) -> bool:
    """Everything but the pages for people: the console, the readable documentation and their assets."""
    return path not in _PAGES and not path.startswith(("/admin/", "/static/"))
