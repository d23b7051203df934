"""Requests to a WSGI application in this process: what a web server would hand over, without the web server.

Both sides of a row are called this way, so that the ratio is that of the Python between the server and the database.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import override_settings

from config.handling import Handler

Statement = tuple[str, Any]


class Site:
    """An application with addresses and middleware of its own, or (without them) the service itself."""

    def __init__(self, urlconf: str | None = None, middleware: list[str] | None = None) -> None:
        self.settings: dict[str, Any] = {}
        if urlconf is not None:
            # Django's own look at the connection, once a request.
            self.settings = {"ROOT_URLCONF": urlconf, "MIDDLEWARE": middleware or [], "CONNECTION_TRUST_SECONDS": 0}
        with self.in_place():
            self._handler = Handler() if urlconf is None else WSGIHandler()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        with override_settings(**self.settings):
            yield

    def ask(self, method: str, path: str, token: str, body: bytes = b"") -> bytes:
        """The answer's body. Raises AssertionError for anything but a success."""
        told: list[str] = []
        start: Any = lambda status, headers, error=None: told.append(status)  # noqa: E731
        answer = self._handler(environ(method, path, token, body), start)
        content = b"".join(answer)
        answer.close()
        assert told[0].startswith("2"), (told, content[:500])
        return content

    def many(self, times: int, *request: Any, clock: Callable[[], float] = time.perf_counter) -> float:
        """Seconds of `clock` that so many requests take, one after the other."""
        with self.in_place():
            self.ask(*request)
            began = clock()
            for _ in range(times):
                self.ask(*request)
            return clock() - began

    def statements(self, *request: Any) -> list[Statement]:
        """What one request asks the database."""
        asked: list[Statement] = []

        def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
            asked.append((sql, parameters))
            return execute(sql, parameters, many, context)

        with self.in_place():
            self.ask(*request)
            with connection.execute_wrapper(note):
                self.ask(*request)
        return asked


def environ(method: str, path: str, token: str, body: bytes) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "9998",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:9998",
        "HTTP_ACCEPT": "application/json",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "CONTENT_TYPE": "application/json" if body else "",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
