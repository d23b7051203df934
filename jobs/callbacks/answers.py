"""The answers under `/ws`: the callback's seven as data, and the envelope that all of them come in:

`{"data": [], "message": ["..."], "status": 1804, "rest_audit_id": 547}`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import JsonResponse


@dataclass(frozen=True)
class Answer:
    """`status` is the body's. `http` is HTTP's, where that is not the same; see `http_status`."""

    status: int
    message: str
    http: int | None = None


UPDATED = Answer(200, "Job updated Successfully")
UNREADABLE = Answer(1101, "Empty or Invalid JSON data", http=400)
JOB_ID_INVALID = Answer(1801, "JobId is invalid or missing.", http=400)
STATUS_MISSING = Answer(1802, "Status is missing.", http=400)
JOB_NOT_FOUND = Answer(1803, "JobId not found.", http=404)
STATUS_UNKNOWN = Answer(1804, "Status should be one of [Started, Completed, Failed]", http=400)

EXPIRY_INVALID = Answer(400, "Invalid expiry.")
UNAUTHORIZED = Answer(401, "Empty or Invalid Authorization Header.")
FORBIDDEN = Answer(403, "Your role does not open this.")


class Refused(Exception):
    """A check failed; `answer` says which."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def unexpected(doing: str, request_id: str) -> Answer:
    """500 with the diagnostic code that finds the log line: the request id."""
    return Answer(500, f"Unexpected Error in {doing}. ErrorCode : {request_id}")


def http_status(answer: Answer) -> int:
    """The seed's own codes travel as HTTP 200, or as `http` where CALLBACK_ERRORS_AS_HTTP is set; the rest as it is."""
    if answer.http is None:
        return answer.status
    return answer.http if getattr(settings, "CALLBACK_ERRORS_AS_HTTP", False) else 200


def envelope(answer: Answer, audit_id: int | None = None) -> JsonResponse:
    """The answer without data; with `rest_audit_id` where calls are audited."""
    body: dict[str, Any] = {"data": [], "message": [answer.message], "status": answer.status}
    if audit_id is not None:
        body["rest_audit_id"] = audit_id
    return _sent(body, http_status(answer))


def found(data: dict[str, Any]) -> JsonResponse:
    """200 with what was asked for."""
    return _sent({"data": data, "message": [], "status": 200}, 200)


def _sent(body: dict[str, Any], status: int) -> JsonResponse:
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
