"""The body of a status report, read so that no report is lost that can be understood.

A fault's message may hold anything, also what cannot be stored: NUL and halves of surrogate pairs are kept as visible
escapes. JSON that is ambiguous or endless (a property twice, NaN, numbers that no computer adds, nesting without end)
is refused as a whole.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from jobs.callbacks.answers import JOB_ID_INVALID, STATUS_MISSING, STATUS_UNKNOWN, UNREADABLE, Refused
from jobs.callbacks.states import Status

KEPT_CHARACTERS = 4000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True)
class Received:
    """What a call said: the body, and its three properties as text that can be stored; None where it said nothing."""

    document: dict[str, Any] = field(default_factory=dict)
    job_id: str | None = None
    status: str | None = None
    message: str | None = None


def read(body: bytes) -> Received:
    """Raises Refused (1101) unless the body is one JSON object in UTF-8."""
    try:
        document = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
        )
        if not isinstance(document, dict):
            raise Refused(UNREADABLE)
        return Received(document, *(kept(document.get(name)) for name in ("jobId", "status", "message")))
    except (ValueError, RecursionError) as error:
        raise Refused(UNREADABLE) from error


def check(received: Received) -> Status:
    """The reported status. Raises Refused (1801, 1802, 1804), the first that applies."""
    job_id, status = received.document.get("jobId"), received.document.get("status")
    if not isinstance(job_id, str) or not job_id:
        raise Refused(JOB_ID_INVALID)
    if status is None or status == "":
        raise Refused(STATUS_MISSING)
    if status not in list(Status):
        raise Refused(STATUS_UNKNOWN)
    return Status(status)


def kept(value: Any) -> str | None:
    """The value as text that PostgreSQL can store, at most 4,000 characters; what is no text, as JSON."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _UNSTORABLE.sub(_escaped, text[:KEPT_CHARACTERS])[:KEPT_CHARACTERS]


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a property stands twice in one object")
    return document


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number
