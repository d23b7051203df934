"""The headers of requests and answers in the OpenAPI document, and what each error means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from config.openapi.shapes import Schema

_URI: Schema = {"type": "string", "format": "uri"}


def _parameter(name: str, description: str, schema: Schema | None = None, example: str | None = None) -> Schema:
    found = {"name": name, "in": "header", "required": False, "description": description}
    found |= {"schema": schema or {"type": "string"}}
    return found if example is None else {**found, "example": example}


REQUEST_HEADERS: dict[str, Schema] = {
    parameter["name"]: parameter
    for parameter in (
        _parameter(
            "Idempotency-Key",
            "The same key and body within 24 hours give the first answer again; another body is 422.",
            {"type": "string", "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        ),
        _parameter(
            "Prefer", "`wait=N`: answer when the operation has ended, or after N seconds, at most 30.", None, "wait=10"
        ),
        _parameter("If-None-Match", "The `ETag` that you have: 304 without a body when it is still the same."),
        _parameter("If-Match", "Only for the version that this entity tag names; 412 otherwise."),
        _parameter("Range", "Which bytes, to go on with a download that broke off.", None, "bytes=1048576-"),
        _parameter("If-Range", "The `ETag` of the bytes that you have: the whole file comes when it is another one."),
    )
}
HEADERS: dict[str, Schema] = {
    "Location": {"description": "Where the new resource is.", "schema": _URI},
    "Operation-Location": {
        "description": "The neutral monitor of the operation, for ready-made pollers.",
        "schema": _URI,
    },
    "Retry-After": {"description": "Seconds to wait before asking again.", "schema": {"type": "integer"}},
    "Preference-Applied": {"description": "`wait=N` when the wish was granted.", "schema": {"type": "string"}},
    "ETag": {"description": "For If-None-Match and If-Match.", "schema": {"type": "string"}},
    "Link": {"description": "The links of the body once more (RFC 8288).", "schema": {"type": "string"}},
    "Content-Range": {"description": "Which bytes these are.", "schema": {"type": "string"}},
    "Repr-Digest": {"description": "The SHA-256 of the whole file (RFC 9530).", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "How to say who you are.", "schema": {"type": "string"}},
    "X-Request-ID": {"description": "Finds the request in the log.", "schema": {"type": "string"}},
}
ERROR_HEADERS: dict[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    416: ("Content-Range",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
ERROR_TEXTS: dict[int, str] = {
    400: "The request cannot be read.",
    401: "No credentials, or none that are valid.",
    403: "Your role does not open this.",
    404: "There is nothing here, or nothing for you.",
    406: "`Accept` fits nothing that is offered.",
    409: "Not in this state, or it exists already.",
    410: "It was here and expired.",
    412: "It has changed since the version in `If-Match`.",
    413: "The body is too large.",
    415: "The body is of another type than what is taken here.",
    416: "The range begins beyond the end of the file.",
    422: "A rule is broken; every broken rule is listed.",
    429: "Too many requests, or too many operations at a time.",
    500: "A mistake of ours; `X-Request-ID` finds it in the log.",
    503: "The database or the storage does not answer; try again.",
}


def described(names: Iterable[str]) -> dict[str, Any]:
    """The headers of an answer: these, and the request id that each has."""
    return {name: HEADERS[name] for name in (*names, "X-Request-ID")}
