"""A receiver on a real socket that does what a test tells it, and keeps what it got."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Got(NamedTuple):
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {}, b"")


class Receiver(ThreadingHTTPServer):
    """Answers each request with what `answer` makes of it; 200 unless told otherwise."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[Got], Answer] = lambda got: OK) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.got: list[Got] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/events"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"  # connections are kept

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        got = Got(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.got.append(got)
        status, headers, content = self.server.answer(got)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PUT = _take  # noqa: N815  # the names that the base class looks for

    def log_message(self, *_: object) -> None:
        """Says nothing."""
