"""The three routes under `/ws/rest/service/v2`: report a status, read a job, get a token.

Plain Django views: here `Accept` and `Content-Type` mean nothing, and every answer has the one envelope. Source of the
callback: Primavera Unifier, "Callback API to Update Status of Integration Instance from Oracle Integration".
"""

from __future__ import annotations

import logging
import re
from typing import Any

from django.conf import settings
from django.core.exceptions import TooManyFieldsSent
from django.db import Error as DatabaseFailure
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from hypermedia.bodies import body_of
from hypermedia.errors import Malformed
from hypermedia.middleware import request_id
from jobs.callbacks import received, services
from jobs.callbacks.answers import (
    EXPIRY_INVALID,
    JOB_NOT_FOUND,
    UNREADABLE,
    Answer,
    Refused,
    envelope,
    found,
    unexpected,
)
from jobs.callbacks.callers import caller, check_role
from jobs.callbacks.documents import job_document, token_document
from jobs.callbacks.models import IntegrationJob
from jobs.callbacks.services import Call

logger = logging.getLogger(__name__)

NOT_KEPT = 0  # the `rest_audit_id` of a call that the database could not take
HISTORY_LENGTH = 200
DEFAULT_EXPIRY_SECONDS = 3600
_SECONDS = re.compile("[0-9]{1,9}")


@method_decorator(csrf_exempt, name="dispatch")
class CallbackView(View):
    """One route. `http_method_names` are its methods, `doing` is what failed when something unexpected happens."""

    doing: str
    challenge = 'Basic realm="ws", charset="UTF-8", Bearer realm="ws"'

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = super().dispatch(request, *args, **kwargs)
        except Refused as refused:
            response = envelope(refused.answer)
        except Exception as error:
            response = envelope(self.failed(error))
        if response.status_code == 401:
            response["WWW-Authenticate"] = self.challenge
        return response

    def failed(self, error: Exception) -> Answer:
        """500, with the code that finds the log line written here."""
        logger.error("unexpected error in %s, ErrorCode %s", self.doing, request_id.get(), exc_info=error)
        return unexpected(self.doing, request_id.get())

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = HttpResponse(status=204, headers={"Allow": self.allow})
        del response["Content-Type"]
        return response

    @property
    def allow(self) -> str:
        return ", ".join(name.upper() for name in self.http_method_names)

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = envelope(Answer(405, f"Method {request.method} is not allowed."))
        response["Allow"] = self.allow
        return response


class JobStatusView(CallbackView):
    """`PUT {"jobId", "status", "message"}`: an integration reports how its job is doing.

    Answers 200, 1101, 1801 to 1804, 401, 403 or 500 in the envelope, and keeps each call under its `rest_audit_id`.
    """

    http_method_names = ["put", "options"]
    doing = "updating Job Status"

    def put(self, request: HttpRequest) -> HttpResponse:
        call = Call(request_id.get())
        try:
            answer, audit_id = self.take(request, call)
        except Exception as error:
            answer = self.failed(error)
            audit_id = keep_if_possible(call, answer)
        return envelope(answer, audit_id)

    def take(self, request: HttpRequest, call: Call) -> tuple[Answer, int]:
        """The checks in the order of the contract; the first that fails answers."""
        try:
            user = caller(request)
            call.user_id = user.pk
            check_role(user)
            call.received = read(request)
            status = received.check(call.received)
        except Refused as refused:
            return refused.answer, services.keep(call, refused.answer)
        return services.record(call, status)


class JobView(CallbackView):
    """`GET`: one's own job and its history, the newest 200 reports, oldest first."""

    http_method_names = ["get", "head", "options"]
    doing = "reading Job Status"

    def get(self, request: HttpRequest, job_id: str) -> HttpResponse:
        user = caller(request)
        check_role(user)
        job = IntegrationJob.objects.filter(job_id=received.kept(job_id), integration=user).first()
        if job is None:
            raise Refused(JOB_NOT_FOUND)
        newest = job.reports.order_by("-id")[:HISTORY_LENGTH]
        return found(job_document(job, list(newest)[::-1]))


class TokenView(CallbackView):
    """`GET ?expiry=<seconds>` with Basic: a token for `/ws`. A token cannot prolong itself."""

    http_method_names = ["get", "head", "options"]
    doing = "creating a token"
    challenge = 'Basic realm="ws", charset="UTF-8"'

    def get(self, request: HttpRequest) -> HttpResponse:
        user = caller(request, token=False)
        check_role(user)
        seconds = lifetime(request)
        text, expires_at = services.issue_token(user=user, seconds=seconds)
        return found(token_document(text, seconds, expires_at))

    def head(self, request: HttpRequest) -> HttpResponse:
        """Whether `GET` would give one; a token that nobody sees is not made."""
        check_role(caller(request, token=False))
        lifetime(request)
        return HttpResponse(content_type="application/json")


def read(request: HttpRequest) -> received.Received:
    """Raises Refused (1101), also for a body cut off or over the limit: integrations know only the seven answers."""
    try:
        return received.read(body_of(request))
    except Malformed as error:
        raise Refused(UNREADABLE) from error


def keep_if_possible(call: Call, answer: Answer) -> int:
    """The audit id of a call that failed; NOT_KEPT when the database is what failed."""
    try:
        connection.close_if_unusable_or_obsolete()
        return services.keep(call, answer)
    except DatabaseFailure:
        return NOT_KEPT


def lifetime(request: HttpRequest) -> int:
    """Seconds. Raises Refused (400) unless it is a whole number between 1 and the longest life of a token."""
    try:
        expiry = request.GET.get("expiry")
    except TooManyFieldsSent as error:
        raise Refused(EXPIRY_INVALID) from error
    if expiry is None:
        return DEFAULT_EXPIRY_SECONDS
    longest = settings.ACCESS_TOKEN_MAX_DAYS * 24 * 3600
    if not _SECONDS.fullmatch(expiry) or not 0 < int(expiry) <= longest:
        raise Refused(EXPIRY_INVALID)
    return int(expiry)
