"""One HTTP call to somebody else's system, bounded in every way: the only place that talks out.

* The address is checked, and the connection goes to the checked one, with the right Host, SNI and certificate check.
* Connecting, each silence, and the whole call have a deadline. A socket's timeout starts again with every byte, so each
  read gets what is left of the whole.
* At most 64 kB of the answer's body are read, as they come: nothing is decompressed. No redirect is followed, no
  proxy, netrc or cookie of the environment is known.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from django.conf import settings

from jobs.notifications import guard
from jobs.notifications.guard import Address, Target
from jobs.notifications.states import Outcome

BODY_LIMIT = 64 * 1024
_PIECE = 8 * 1024


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Answer:
    """What came back; `body` is cut at 64 kB, `is_cut` says that there was more."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    is_cut: bool = False

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class CallFailed(Exception):
    """There is no whole answer; `answer` is what there was of one."""

    def __init__(self, outcome: Outcome, reason: str, answer: Answer | None = None) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason
        self.answer = answer


def call(request: Request) -> Answer:
    """The answer, whatever its status. Raises CallFailed."""
    deadline = time.monotonic() + settings.DELIVERY_TOTAL_SECONDS
    try:
        target = guard.parse(request.url)
        addresses = guard.resolve(target, settings.DELIVERY_CONNECT_SECONDS)
    except guard.Refused as error:
        raise CallFailed(Outcome.ADDRESS, str(error)) from error
    except guard.Unresolved as error:
        raise CallFailed(Outcome.UNRESOLVED, str(error)) from error
    with _connect(target, addresses, deadline) as connection:
        return _exchange(connection, _head(request, target) + request.body, request.method, deadline)


def _head(request: Request, target: Target) -> bytes:
    headers = {
        "Host": target.host_header,
        "Connection": "close",
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
            raw = socket.create_connection((str(address), target.port), timeout=_left(connect_by))
        except OSError as error:
            failure = error
            continue
        return raw if target.scheme == "http" else _secured(raw, target.host, connect_by)
    if isinstance(failure, TimeoutError):
        raise CallFailed(Outcome.TIMEOUT, "Nobody took the connection in time.") from failure
    reason = (failure.strerror if failure else None) or "unknown reason"
    raise CallFailed(Outcome.UNREACHABLE, f"The connection was not made: {reason}.") from failure


def _secured(raw: socket.socket, host: str, connect_by: float) -> ssl.SSLSocket:
    try:
        raw.settimeout(_left(connect_by))
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


def _exchange(connection: socket.socket, sent: bytes, method: str, deadline: float) -> Answer:
    answer: Answer | None = None
    try:
        connection.settimeout(_left(deadline))
        connection.sendall(sent)
        response = http.client.HTTPResponse(cast(Any, _Timed(connection, deadline)), method=method)
        response.begin()
        answer = Answer(response.status, response.getheaders())
        _read_body(response, answer)
    except TimeoutError as error:
        raise CallFailed(Outcome.TIMEOUT, "The answer did not come, or not all of it, in time.", answer) from error
    except (http.client.RemoteDisconnected, http.client.IncompleteRead, OSError) as error:
        raise CallFailed(Outcome.CLOSED, "The connection was closed before the answer was whole.", answer) from error
    except (http.client.HTTPException, ValueError) as error:
        raise CallFailed(Outcome.NOT_HTTP, f"The answer is not HTTP ({type(error).__name__}).", answer) from error
    return answer


def _read_body(response: http.client.HTTPResponse, answer: Answer) -> None:
    """Reads the body into the answer piece by piece, so that a failure leaves what came before it."""
    promised = response.length
    while promised is None or len(answer.body) < promised:
        room = BODY_LIMIT - len(answer.body)
        if room == 0:
            answer.is_cut = bool(promised) or bool(response.read1(1))
            return
        piece = response.read1(min(_PIECE, room, room if promised is None else promised - len(answer.body)))
        if not piece:
            if promised is not None:
                raise http.client.IncompleteRead(answer.body, promised - len(answer.body))
            return
        answer.body += piece


class _Timed(io.RawIOBase):
    """What HTTPResponse reads from: each read of the socket gets the time of one silence, or what is left of all."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, _PIECE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(min(settings.DELIVERY_READ_SECONDS, _left(self._deadline)))
        return self._connection.recv_into(buffer)


def _left(deadline: float) -> float:
    """Seconds until the deadline. Raises TimeoutError when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
