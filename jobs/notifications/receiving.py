"""The other side, for development: a server that takes events, checks their signatures, and may misbehave on purpose.

`manage.py receiver` and `manage.py emulate_integration` are made of it; docs/integrate.md shows a shorter one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jobs.notifications import signing

_MOST_BYTES = 1024 * 1024
_NEVER_SECONDS = 3600.0


@dataclass(frozen=True)
class Received:
    """One event. `is_genuine` is None where no secret is known to check it with."""

    webhook_id: str
    document: dict[str, Any]
    is_genuine: bool | None
    is_repeated: bool


@dataclass
class Manners:
    """How to answer: the first `failures` with 500, then `status`, each after `pause` seconds, or `never`."""

    failures: int = 0
    status: int = 200
    pause: float = 0.0
    never: bool = False


class EventServer(ThreadingHTTPServer):
    """Calls `on_event` for each event, before it is answered; a forged one is answered with 401."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, secret: str | None, on_event: Callable[[Received], None]) -> None:
        super().__init__((host, port), _Handler)
        self.secret = secret
        self.on_event = on_event
        self.manners = Manners()
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status to answer with."""
        received = self._read(headers, body)
        if received is None:
            return 400
        self.on_event(received)
        if received.is_genuine is False:
            return 401
        with self._lock:
            if self.manners.failures > 0:
                self.manners.failures -= 1
                return 500
        return self.manners.status

    def _read(self, headers: dict[str, str], body: bytes) -> Received | None:
        try:
            document = json.loads(body)
        except ValueError:
            return None
        if not isinstance(document, dict):
            return None
        webhook_id = headers.get("webhook-id", "")
        with self._lock:
            is_repeated = webhook_id in self._seen
            self._seen.add(webhook_id)
        is_genuine = signing.is_genuine(self.secret, headers, body, time.time()) if self.secret else None
        return Received(webhook_id, document, is_genuine, is_repeated)


class _Handler(BaseHTTPRequestHandler):
    server: EventServer
    timeout = 30

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, _MOST_BYTES))
        status = self.server.take({name.lower(): value for name, value in self.headers.items()}, body)
        manners = self.server.manners
        time.sleep(_NEVER_SECONDS if manners.never else manners.pause)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = _answer  # noqa: N815  # the names that the base class looks for

    def log_message(self, *_: object) -> None:
        """The command prints what matters."""
