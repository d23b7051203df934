"""How a request gets from the web server to its view.

There are two chains of middleware. The API knows no session: who is asking stands in each request's `Authorization`
header. What serves sessions, messages, forms and static files is left to the pages for people: a poll costs little more
than its two statements, and would spend a tenth of that on them.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.module_loading import import_string

from hypermedia.middleware import is_api
from hypermedia.whole import whole

FOR_PAGES = frozenset(
    {
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "config.console.policy.PagePolicyMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",  # a view that takes forms refuses what did not pass it
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",  # is among the API's fixed headers
        "axes.middleware.AxesMiddleware",
    }
)


class Request(WSGIRequest):
    """Django reads the parameters of `Content-Type` outside every handler of errors; one in a charset that does not
    exist would end as the server's own 500."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]  # the stubs leave it out
        except ValueError:
            self.content_type, self.content_params = "", {}


class Chains:
    """For a handler of Django's: each request goes through the middleware that has something to do for it."""

    def load_middleware(self: Any, is_async: bool = False) -> None:
        super().load_middleware(is_async)  # type: ignore[misc]  # of the handler behind this class
        pages, api = self._middleware_chain, convert_exception_to_response(self._get_response)
        for name in reversed(settings.MIDDLEWARE):
            if name not in FOR_PAGES:
                api = convert_exception_to_response(import_string(name)(api))
        self._middleware_chain = lambda request: (api if is_api(request.path) else pages)(request)


class Handler(Chains, WSGIHandler):
    request_class = Request

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"] = whole(environ)
        return super().__call__(environ, start_response)
