"""One connection to a receiver: a request goes out, its answer is read within bounds, and another request may follow if
nobody can doubt where the answer ended."""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from django.conf import settings

from jobs.notifications.states import Outcome

BODY_LIMIT = 64 * 1024
_PIECE = 8 * 1024
_BODILESS = frozenset({http.HTTPStatus.NO_CONTENT, http.HTTPStatus.NOT_MODIFIED})


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


class Wire:
    """An open connection. `is_clean`: the last answer was whole, and nothing came after it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._source = _Timed(connection)
        self._buffer = _Buffer(self._source, _PIECE)
        self._arrived = select.poll()
        self._arrived.register(connection, select.POLLIN)
        self.is_clean = True

    def close(self) -> None:
        self._connection.close()

    def is_quiet(self) -> bool:
        """Whether another request may follow: nothing has come since the last answer, no end either."""
        if isinstance(self._connection, ssl.SSLSocket) and self._connection.pending():
            return False
        return self.is_clean and not self._arrived.poll(0)

    def has_heard(self) -> bool:
        """Whether anything of an answer to the last request has come."""
        return self._source.has_read

    def exchange(self, sent: bytes, method: str, deadline: float) -> Answer:
        """The answer, whatever its status. Raises CallFailed."""
        self.is_clean, answer = False, None
        self._source.begin(deadline)
        try:
            self._connection.settimeout(left(deadline))
            self._connection.sendall(sent)
            response = http.client.HTTPResponse(cast(Any, self), method=method)
            response.begin()
            if self._source.has_ended:  # which http.client takes for the end of the headers
                raise http.client.RemoteDisconnected("in the head")
            answer = Answer(response.status, response.getheaders())
            _read_body(response, answer)
            self.is_clean = not answer.is_cut and _is_framed(response) and not self._has_more()
        except TimeoutError as error:
            raise CallFailed(Outcome.TIMEOUT, "The answer did not come, or not all of it, in time.", answer) from error
        except (http.client.RemoteDisconnected, http.client.IncompleteRead, OSError) as error:
            reason = "The connection was closed before the answer was whole."
            raise CallFailed(Outcome.CLOSED, reason, answer) from error
        except (http.client.HTTPException, ValueError) as error:
            raise CallFailed(Outcome.NOT_HTTP, f"The answer is not HTTP ({type(error).__name__}).", answer) from error
        return answer

    def makefile(self, _mode: str) -> io.BufferedReader:
        """For HTTPResponse, which closes it after each answer."""
        return self._buffer

    def _has_more(self) -> bool:
        """Whether more was read than the answer."""
        self._source.end()
        return bool(self._buffer.peek(1))


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


def _is_framed(response: http.client.HTTPResponse) -> bool:
    """Whether the answer said where it ends, in one way only, and that the connection stays."""
    if response.will_close or response.status < 200:  # after an interim answer comes another one
        return False
    length, coding = response.getheader("content-length"), response.getheader("transfer-encoding")
    if response.status in _BODILESS:
        return coding is None and length in {None, "0"}
    if coding is not None:
        return bool(response.chunked) and length is None
    return length is not None and length.isdecimal()


class _Buffer(io.BufferedReader):
    """Lasts as long as the connection, not only for one answer."""

    def close(self) -> None:
        """Says nothing to the connection."""


class _Timed(io.RawIOBase):
    """What is read from: each read of the socket gets the time of one silence, or what is left of all. Between answers
    there is nothing to read."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline: float | None = None
        self.has_read = self.has_ended = False

    def begin(self, deadline: float) -> None:
        self._deadline = deadline
        self.has_read = self.has_ended = False

    def end(self) -> None:
        self._deadline = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._deadline is None:
            return 0
        self._connection.settimeout(min(settings.DELIVERY_READ_SECONDS, left(self._deadline)))
        read = self._connection.recv_into(buffer)
        self.has_read = self.has_read or read > 0
        self.has_ended = read == 0
        return read


def left(deadline: float) -> float:
    """Seconds until the deadline. Raises TimeoutError when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
