"""The media types: the resource type by default, plain JSON on request; and how `Accept` and `Content-Type` choose."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from hypermedia.errors import PROBLEM_TYPE

RESOURCE = "application/vnd.oracle.insurance.resource+json"
JSON = "application/json"
_EXACT = secrets.token_hex(16)
_EXACT_NUMBER = re.compile(rf'"{_EXACT}(-?[0-9]+(?:\.[0-9]+)?)"')
_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)


class ExactEncoder(JSONEncoder):
    """Decimals leave as JSON numbers with every digit they have. The encoder knows no such thing, so they travel as
    texts that begin with a word nobody can guess, and the renderer takes their quotes away."""

    def default(self, obj: Any) -> Any:
        return f"{_EXACT}{obj:f}" if isinstance(obj, Decimal) else super().default(obj)


_encode = ExactEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class ExactJSONRenderer(JSONRenderer):
    """Without REST framework's options, which cost more than the encoding of a small document."""

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        text = _encode(data)
        return (_EXACT_NUMBER.sub(r"\1", text) if _EXACT in text else text).encode()


class ResourceRenderer(ExactJSONRenderer):
    """The default representation; UTF-8 by definition, so without a charset parameter."""

    media_type = RESOURCE
    format = "resource"


class PlainJSONRenderer(ExactJSONRenderer):
    """The same document for clients that ask for `application/json`."""

    media_type = JSON
    format = "json"


class ProblemRenderer(JSONRenderer):
    """Errors; used whatever `Accept` says."""

    media_type = PROBLEM_TYPE
    format = "problem"


class ResourceNegotiation(BaseContentNegotiation):
    """By the headers alone: a `?format=` in the address means nothing here."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The renderer that `Accept` likes best. Raises NotAcceptable."""
        offered = tuple([str(renderer.media_type) for renderer in renderers])
        chosen = _preferred_before(request.META.get("HTTP_ACCEPT", ""), offered)
        if chosen is None:
            raise exceptions.NotAcceptable(f"Accept fits none of what is offered here: {', '.join(offered)}.")
        return renderers[offered.index(chosen)], chosen

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The parser of the body's type, or None. Parameters, a charset for one, change nothing: JSON is UTF-8."""
        media_type = str(request.content_type).partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)


class AnyAccept(ResourceNegotiation):
    """For file content: the bytes are what they are, whatever `Accept` says."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except exceptions.NotAcceptable:
            return renderers[0], renderers[0].media_type


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """The offered type with the highest quality in `accept` (RFC 9110, section 12.5.1); None when nothing fits.

    Of equals, the one that is asked for by name wins, then the one that is offered first. No `Accept` is `*/*`;
    parameters other than `q` are ignored, and so is a `q` that cannot be read.
    """
    ranges = [_range(item) for item in accept.split(",") if item.strip()] or [("*/*", 1.0)]
    ranked = [(_rank(media_type, ranges), -place, media_type) for place, media_type in enumerate(offered)]
    (quality, _), _, best = max(ranked)
    return best if quality > 0 else None


_preferred_before = lru_cache(maxsize=256)(preferred)  # a client sends the same header with every request


def _range(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in item.split(";"))
    found = (match for match in map(_QUALITY.fullmatch, parameters) if match)
    return name.lower(), next((float(match[1]) for match in found), 1.0)


def _rank(media_type: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """(quality, how exactly it is named); the most exact range that fits decides the quality."""
    patterns = ("*/*", f"{media_type.partition('/')[0]}/*", media_type)
    fitting = [(patterns.index(name), quality) for name, quality in ranges if name in patterns]
    exactness, quality = max(fitting, default=(0, 0.0))
    return quality, exactness
