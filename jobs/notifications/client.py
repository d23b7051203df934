"""HTTP calls to somebody else's system, bounded in every way: with `wire.py` the only place that talks out.

* The address is checked, and the connection goes to the checked one, with the right Host, SNI and certificate check.
* Connecting, each silence, and the whole call have a deadline. A socket's timeout starts again with every byte, so each
  read gets what is left of the whole.
* At most 64 kB of the answer's body are read, as they come: nothing is decompressed. No redirect is followed, no
  proxy, netrc or cookie of the environment is known.
* A connection is kept only as long as its line: by one sender, to one URL, and while nobody can doubt where the last
  answer ended.
"""

from __future__ import annotations

import socket
import ssl
import time
from functools import lru_cache
from typing import Self

from django.conf import settings

from jobs.notifications import guard
from jobs.notifications.guard import Address, Target
from jobs.notifications.states import Outcome
from jobs.notifications.wire import Answer, CallFailed, Request, Wire, left


def call(request: Request) -> Answer:
    """One call over a connection of its own. Raises CallFailed."""
    with Line() as line:
        return line.call(request)


class Line:
    """Calls one after the other, over one connection where the receiver allows it. A context manager."""

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._url = ""
        self._target: Target

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def call(self, request: Request) -> Answer:
        """The answer, whatever its status. Raises CallFailed."""
        deadline = time.monotonic() + settings.DELIVERY_TOTAL_SECONDS
        is_kept = self._is_kept(request.url)
        try:
            return self._exchange(request, deadline)
        except CallFailed as error:
            if not is_kept or error.outcome != Outcome.CLOSED or self._has_heard:
                raise
        return self._exchange(request, deadline)  # it had closed the kept connection when we began to send

    def _is_kept(self, url: str) -> bool:
        """Whether the connection that there is will do; if not, it is closed."""
        if self._wire is not None and not (url == self._url and self._wire.is_quiet()):
            self.close()
        return self._wire is not None

    def _exchange(self, request: Request, deadline: float) -> Answer:
        wire = self._wire = self._wire or self._open(request.url, deadline)
        try:
            return wire.exchange(_head(request, self._target) + request.body, request.method, deadline)
        finally:
            self._has_heard = wire.has_heard()
            if not wire.is_clean:
                self.close()

    def _open(self, url: str, deadline: float) -> Wire:
        """A connection to a checked address. Raises CallFailed."""
        try:
            self._target, self._url = guard.parse(url), url
            addresses = guard.resolve(self._target, settings.DELIVERY_CONNECT_SECONDS)
        except guard.Refused as error:
            raise CallFailed(Outcome.ADDRESS, str(error)) from error
        except guard.Unresolved as error:
            raise CallFailed(Outcome.UNRESOLVED, str(error)) from error
        return Wire(_connect(self._target, addresses, deadline))


def _head(request: Request, target: Target) -> bytes:
    headers = {
        "Host": target.host_header,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Length": str(len(request.body)),
        **request.headers,
    }
    lines = [f"{request.method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _connect(target: Target, addresses: list[Address], deadline: float) -> socket.socket:
    """A connection to the first address that takes one. Raises CallFailed."""
    connect_by = min(deadline, time.monotonic() + settings.DELIVERY_CONNECT_SECONDS)
    failure: OSError | None = None
    for address in addresses:
        try:
            raw = socket.create_connection((str(address), target.port), timeout=left(connect_by))
        except OSError as error:
            failure = error
            continue
        raw.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # a request is one piece; nothing is gained by waiting
        return raw if target.scheme == "http" else _secured(raw, target.host, connect_by)
    if isinstance(failure, TimeoutError):
        raise CallFailed(Outcome.TIMEOUT, "Nobody took the connection in time.") from failure
    reason = (failure.strerror if failure else None) or "unknown reason"
    raise CallFailed(Outcome.UNREACHABLE, f"The connection was not made: {reason}.") from failure


def _secured(raw: socket.socket, host: str, connect_by: float) -> ssl.SSLSocket:
    try:
        raw.settimeout(left(connect_by))
        return _tls(settings.DELIVERY_CA_FILE).wrap_socket(raw, server_hostname=host)
    except TimeoutError as error:
        raw.close()
        raise CallFailed(Outcome.TIMEOUT, "The TLS handshake took too long.") from error
    except ssl.SSLCertVerificationError as error:
        raw.close()
        raise CallFailed(Outcome.TLS, f"The certificate was refused: {error.verify_message}.") from error
    except (OSError, ValueError) as error:
        raw.close()
        reason = getattr(error, "reason", None) or type(error).__name__
        raise CallFailed(Outcome.TLS, f"The TLS handshake failed: {reason}.") from error


@lru_cache(maxsize=4)
def _tls(ca_file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file or None)
