"""Collections of notifications: pages by offset, and by a cursor that costs the same at any depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from rest_framework.request import Request

from hypermedia.errors import ResultMessage, RuleBroken
from hypermedia.links import SELF, link

DEFAULT_LIMIT, MOST = 50, 200
DEEPEST_OFFSET = 10_000


def page(request: Request, rows: QuerySet[Any], document: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """`{"offset", "count", "hasMore", "limit", "items", "links"}`, by id. Raises RuleBroken."""
    offset, limit = _number(request, "offset", 0, 0, None), _number(request, "limit", DEFAULT_LIMIT, 1, MOST)
    after = _number(request, "cursor", 0, 0, None)
    if offset > DEEPEST_OFFSET and not after:
        raise RuleBroken(ResultMessage("GEN-IP-017", "Follow the link next to get this deep.", "/offset"))
    ordered = rows.order_by("pk")
    window = ordered.filter(pk__gt=after)[: limit + 1] if after else ordered[offset : offset + limit + 1]
    found = list(window)
    items, has_more = found[:limit], len(found) > limit
    path = request.path.removeprefix("/").removeprefix("api/")
    here = {"offset": offset, "limit": limit} | ({"cursor": after} if after else {})
    links = [link(SELF, f"{path}?{urlencode(here)}")]
    if has_more:
        following = urlencode({"offset": offset + limit, "limit": limit, "cursor": items[-1].pk})
        links.insert(0, link("next", f"{path}?{following}", "GET"))
    return {
        "offset": str(offset),
        "count": str(len(items)),
        "hasMore": has_more,
        "limit": str(limit),
        "items": [document(item) for item in items],
        "links": links,
    }


def _number(request: Request, name: str, default: int, least: int, most: int | None) -> int:
    text = request.GET.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
    if number < least or (most is not None and number > most):
        upper = "" if most is None else f" to {most}"
        text = f"{name} has to be a whole number from {least}{upper}."
        raise RuleBroken(ResultMessage("GEN-IP-016", text, f"/{name}"))
    return number
