"""The one table that gives an exception its HTTP status, and the handlers that use it.

Every answer with an error is a problem document, whatever raised it: a service, REST framework, the URL
resolver, the database, or a mistake of ours. Never HTML on the API, never a stack trace.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from hypermedia import errors
from hypermedia.bodies import BodyTooLarge
from hypermedia.errors import PROBLEM_TYPE, DomainError, ResultMessage, printable, problem
from hypermedia.media import ProblemRenderer
from hypermedia.middleware import is_api

logger = logging.getLogger(__name__)

# The first row that fits decides; subclasses stand before their parents.
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (BodyTooLarge, 413),
    (errors.Malformed, 400),
    (errors.Unauthorized, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Gone, 410),
    (errors.Conflict, 409),
    (errors.LengthRequired, 411),
    (errors.Stale, 412),
    (errors.UnsupportedContent, 415),
    (errors.RangeNotSatisfiable, 416),
    (errors.TooMany, 429),
    (errors.Unavailable, 503),
    (errors.DomainError, 422),
    (exceptions.ParseError, 400),
    (exceptions.ValidationError, 422),
    (exceptions.NotAuthenticated, 401),
    (exceptions.AuthenticationFailed, 401),
    (exceptions.PermissionDenied, 403),
    (exceptions.NotFound, 404),
    (exceptions.MethodNotAllowed, 405),
    (exceptions.NotAcceptable, 406),
    (exceptions.UnsupportedMediaType, 415),
    (Http404, 404),
    (PermissionDenied, 403),
    (RequestDataTooBig, 413),
    (SuspiciousOperation, 400),
    (BadRequest, 400),
    (OperationalError, 503),
    (InterfaceError, 503),
)

TEXTS = {
    400: "The request cannot be read.",
    401: "Give credentials: HTTP Basic, or a bearer token.",
    403: "Your role does not open this.",
    404: "There is nothing here, or nothing for you.",
    413: "The body is too large.",
    500: "Something went wrong on our side. The request id in X-Request-ID finds it in the log.",
    503: "The database does not answer at the moment. Try again in a few seconds.",
}
RETRY_AFTER_SECONDS = 2
WWW_AUTHENTICATE = 'Basic realm="api", charset="UTF-8", Bearer realm="api"'


def status_of(error: BaseException) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """REST framework's hook: any exception of a view as a problem document."""
    status = status_of(error)
    request = context["request"]
    what = printable(f"{request.method} {request.path}")
    if status == 500:
        logger.exception("unexpected error in %s", what, exc_info=error)
    elif status == 503:
        logger.error("%s answered 503: %s", what, type(error).__name__)
    view = context["view"]
    response = Response(
        problem(status, messages_of(error, status), request.path),
        status=status,
        headers=headers_of(error, status, getattr(view, "allowed_methods", [])),
        content_type=PROBLEM_TYPE,
    )
    # Errors ignore `Accept`: REST framework would otherwise answer 406 about the 406.
    request.accepted_renderer, request.accepted_media_type = ProblemRenderer(), PROBLEM_TYPE
    return response


def messages_of(error: BaseException, status: int) -> list[ResultMessage]:
    """What to tell the client. Only texts that we or REST framework wrote for clients get out."""
    code = f"GEN-IP-{status}"
    if isinstance(error, DomainError):
        return list(error.messages)
    if isinstance(error, exceptions.APIException) and status not in {401, 403, 404}:
        return [ResultMessage(code, str(error.detail))]
    return [ResultMessage(code, TEXTS.get(status, HTTPStatus(status).phrase))]


def headers_of(error: BaseException, status: int, allowed: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = WWW_AUTHENTICATE
    if status == 405:
        headers["Allow"] = ", ".join(allowed)
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if isinstance(error, errors.TooMany):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    return headers


def problem_response(request: HttpRequest, status: int) -> HttpResponse:
    """A problem document outside REST framework: unknown addresses, broken requests, errors in middleware."""
    document = problem(status, messages_of(Exception(), status), request.path)
    return HttpResponse(ProblemRenderer().render(document), status=status, content_type=PROBLEM_TYPE)


# Django's hooks, named in config/urls.py. Pages for people keep Django's own HTML.


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _handled(request, exception, defaults.bad_request)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _handled(request, exception, defaults.permission_denied)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _handled(request, exception, defaults.page_not_found)


def _handled(
    request: HttpRequest, error: Exception, page: Callable[[HttpRequest, Exception], HttpResponse]
) -> HttpResponse:
    return problem_response(request, status_of(error)) if is_api(request.path) else page(request, error)


def server_error(request: HttpRequest) -> HttpResponse:
    """Whatever is no refusal: 503 while the database is away, else 500, which Django has logged with its trace."""
    error = sys.exc_info()[1] or Exception()
    status = max(500, status_of(error))
    if status == 500 and not is_api(request.path):
        return defaults.server_error(request)
    logger.error("%s answered %s: %s", printable(f"{request.method} {request.path}"), status, type(error).__name__)
    response = problem_response(request, status)
    for name, value in headers_of(error, status, []).items():
        response[name] = value
    return response
