"""Requests from pages of other origins (CORS)."""

from __future__ import annotations

from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hypermedia.middleware import is_api


class OriginMiddleware(CorsMiddleware):
    """Without an `Origin` there is nothing to allow; on answers of the API `Vary` names it anyway."""

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS" or not is_api(request.path):
            return super().__call__(request)
        return self.get_response(request)

    def check_preflight(self, request: HttpRequest) -> HttpResponseBase | None:
        """204, as every other `OPTIONS`, and not a page of HTML without a letter."""
        response: HttpResponseBase | None = super().check_preflight(request)
        if response is not None:
            response.status_code = 204
        return response
