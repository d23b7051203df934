"""Links: how a resource says what its reader may do next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any, Generic, TypeVar

from django.conf import settings

Subject = TypeVar("Subject")

_LONGEST_HEADER = 4000
SELF, CANONICAL = "self", "canonical"


def href(path: str) -> str:
    """The absolute address of a resource below `/api/`, or, when `path` begins with a slash, of a page of the console.

    Begins with the configured `PUBLIC_URL`, never with the request's Host header.
    """
    return settings.PUBLIC_URL + (path if path.startswith("/") else f"/api/{path}")


def link(rel: str, path: str, method: str | None = None) -> dict[str, str]:
    """One link object; `method` is left out for `self` and `canonical`."""
    return _object(rel, href(path), method)


def _object(rel: str, address: str, method: str | None) -> dict[str, str]:
    return {"href": address, "rel": rel} if method is None else {"href": address, "rel": rel, "httpMethod": method}


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One row of a link table: the link is there when `when(subject, reader)` holds and it leads somewhere."""

    rel: str
    method: str | None
    path: Callable[[Subject], str | None]
    when: Callable[[Subject, Any], bool] = lambda subject, reader: True


def links_for(table: Sequence[Rule[Subject]], subject: Subject, reader: Any) -> list[dict[str, str]]:
    """The links of `subject` that `reader` may follow, in the table's order."""
    begin = href("")  # looked up once
    return [
        _object(rule.rel, begin + path, rule.method)
        for rule in table
        if rule.when(subject, reader) and (path := rule.path(subject)) is not None
    ]


def reference(identifier: int, path: str) -> dict[str, Any]:
    """A reference to another resource: its id and its canonical address. Not to be changed: the rows of a page share
    it."""
    return _reference(identifier, href(path))


@lru_cache(maxsize=1000)
def _reference(identifier: int, address: str) -> dict[str, Any]:
    return {"id": identifier, "links": [_object(CANONICAL, address, None)]}


def link_header(links: Iterable[dict[str, str]]) -> str:
    """The same links as an RFC 8288 header value; of a great many, the first that servers and proxies let pass."""
    values = [f'<{item["href"]}>; rel="{item["rel"]}"' for item in links]
    header = ", ".join(values)
    if len(header) <= _LONGEST_HEADER:
        return header
    lengths = accumulate(len(value) + 2 for value in values)
    return ", ".join(value for value, length in zip(values, lengths, strict=True) if length <= _LONGEST_HEADER)
