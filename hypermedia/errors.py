"""Errors as the services raise them, and the problem document that clients see.

Services raise a `DomainError` subclass; `config/errors.py` holds the one table that gives each class its
HTTP status. No REST framework here: services, tasks and exports import this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any

from django.utils.encoding import escape_uri_path

PROBLEM_TYPE = "application/problem+json"
# As RFC 9110 calls them; Python's names differ from version to version.
_TITLES = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}
MOST_MESSAGES = 1000  # a body of a megabyte can break more rules than an answer should list
_MOST_IN_DETAIL = 10
_MOST_CHARACTERS = 500  # of one text: what the client sent is quoted, not echoed whole
# A string cannot carry these in a log line, a header or PostgreSQL text.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class ResultMessage:
    """One broken rule: a stable `code`, a `text` that says how to mend it, and where (`pointer`, RFC 6901)."""

    code: str
    text: str
    pointer: str | None = None

    def document(self) -> dict[str, str]:
        body = {"code": self.code, "text": _shown(self.text)}
        if self.pointer is not None:
            body["pointer"] = _shown(self.pointer)
        return body


class DomainError(Exception):
    """A request that the rules refuse. `messages` holds every broken rule, at least one."""

    code = "GEN-IP-000"

    def __init__(self, text: str, *, code: str | None = None, pointer: str | None = None) -> None:
        super().__init__(text)
        self.messages: Sequence[ResultMessage] = [ResultMessage(code or self.code, text, pointer)]


class Malformed(DomainError):
    """The request cannot be read at all."""

    code = "GEN-IP-001"


class RuleBroken(DomainError):
    """Well formed, but one or more rules are broken; lists all of them."""

    code = "GEN-IP-002"

    def __init__(self, *messages: ResultMessage) -> None:
        super().__init__("; ".join(message.text for message in messages))
        self.messages = messages


class Unauthorized(DomainError):
    """Nobody known: no credentials, or none that are valid."""

    code = "GEN-IP-401"


class Forbidden(DomainError):
    """Somebody known, whose roles or rights do not open this."""

    code = "GEN-IP-403"


class NotFound(DomainError):
    """No such object, or not for this reader: both look the same."""

    code = "GEN-IP-404"


class Gone(DomainError):
    """It was here, and it expired or was deleted."""

    code = "GEN-IP-410"


class Conflict(DomainError):
    """The object's state does not allow this. Nothing changed."""

    code = "GEN-IP-409"


class LengthRequired(DomainError):
    """Nothing tells where the body ends, so one that broke off could be taken for a complete one."""

    code = "GEN-IP-411"


class UnsupportedContent(DomainError):
    """The body is of a type that is not taken here."""

    code = "GEN-IP-415"


class Stale(DomainError):
    """`If-Match` names a version that is no longer the current one."""

    code = "GEN-IP-412"


class RangeNotSatisfiable(DomainError):
    """None of the bytes asked for exist. `size` is the number of bytes that do."""

    code = "GEN-IP-416"

    def __init__(self, text: str, *, size: int) -> None:
        super().__init__(text)
        self.size = size


class TooMany(DomainError):
    """More than this client's share. `retry_after`: seconds after which it may ask again."""

    code = "GEN-IP-429"

    def __init__(self, text: str, *, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """Something the service depends on does not answer; the same request may work in a few seconds."""

    code = "GEN-IP-503"


def printable(text: str) -> str:
    """The text with control characters and lone surrogates shown as escapes, so that any reader can take it."""
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _shown(text: str) -> str:
    return printable(text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}...")


def problem(status: int, messages: Iterable[ResultMessage], path: str) -> dict[str, Any]:
    """The RFC 9457 document with the `resultMessages` extension. `path` is the request's; it becomes `instance`.

    Lists at most MOST_MESSAGES broken rules; `detail` tells the first few.
    """
    listed = list(islice(messages, MOST_MESSAGES))
    more = f" (and {len(listed) - _MOST_IN_DETAIL} more)" if len(listed) > _MOST_IN_DETAIL else ""
    return {
        "type": "about:blank",
        "title": _TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": " ".join(_shown(message.text) for message in listed[:_MOST_IN_DETAIL]) + more,
        "instance": escape_uri_path(path),
        "resultMessages": {"result": "F", "resultMessage": [message.document() for message in listed]},
    }
