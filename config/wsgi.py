"""The web application: `granian --interface wsgi config.wsgi:application`, or any other WSGI server."""

from __future__ import annotations

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import connections

from hypermedia.whole import whole

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Request(WSGIRequest):
    """Django reads the parameters of `Content-Type` outside every handler of errors; one in a charset that does not
    exist would end as the server's own 500."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            super()._set_content_type_params(meta)  # type: ignore[misc]  # the stubs leave it out
        except ValueError:
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    request_class = Request

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"] = whole(environ)
        return super().__call__(environ, start_response)


def limit_statements() -> None:
    """Before the first connection: no request may wait for the database longer than it says in the settings."""
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = f"{options.get('options', '')} {settings.WEB_DATABASE_LIMITS}".strip()


django.setup(set_prefix=False)
limit_statements()
application = Handler()
