"""What the pages for people may load and run. SECURITY.md gives the reason for each exception."""

from __future__ import annotations

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from hypermedia.middleware import is_api

COMMON = {
    "default-src": [NONE],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
}
HTMX_STYLE = "'sha256-bsV5JivYxvGywDAZ22EZJKBFip65Ng9xoJVLbBg7bdo='"  # the one that the theme's htmx adds to each page
CONSOLE = COMMON | {
    "script-src": [SELF, UNSAFE_EVAL],  # the theme's Alpine.js evaluates the expressions in its attributes
    "style-src": [SELF, HTMX_STYLE],
    "style-src-attr": [UNSAFE_INLINE],  # it also sets the width of one bar as a style
    "img-src": [SELF],
}
DOCUMENTATION = COMMON | {
    "script-src": [SELF, UNSAFE_INLINE],  # the page of Swagger UI starts it with a script of its own
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
}


class PagePolicyMiddleware(CSPMiddleware):
    """`Content-Security-Policy` on pages; the API's own, `default-src 'none'`, is among its fixed headers."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if is_api(request.path) else super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        if report_only:
            return PolicyParts()
        return PolicyParts(config=CONSOLE if request.path.startswith("/admin") else DOCUMENTATION)
