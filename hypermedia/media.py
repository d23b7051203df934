"""The media types: the resource type by default, plain JSON on request."""

from __future__ import annotations

from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from hypermedia.errors import PROBLEM_TYPE

RESOURCE = "application/vnd.oracle.insurance.resource+json"
JSON = "application/json"


class ResourceRenderer(JSONRenderer):
    """The default representation; UTF-8 by definition, so without a charset parameter."""

    media_type = RESOURCE
    format = "resource"


class PlainJSONRenderer(JSONRenderer):
    """The same document for clients that ask for `application/json`."""

    media_type = JSON
    format = "json"


class ProblemRenderer(JSONRenderer):
    """Errors; used whatever `Accept` says."""

    media_type = PROBLEM_TYPE
    format = "problem"


class ResourceNegotiation(DefaultContentNegotiation):
    """As REST framework's, but only by `Accept`: a `?format=` in the address means nothing here."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return super().select_renderer(request, renderers, None)


class AnyAccept(DefaultContentNegotiation):
    """For file content: the bytes are what they are, whatever `Accept` says."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
