"""Requests of the client: each has a deadline, is repeated while the server is away, and says what went wrong."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from config.client.display import Display
from config.client.documents import Document, explained
from config.client.outcomes import ClientError, Exit

CALL_SECONDS = 30.0  # a whole call, the answer read
CONNECT_SECONDS, READ_SECONDS = 10.0, 20.0
PATIENCE_SECONDS = 60.0  # how long one call is repeated while the server is away or busy
LONGEST_PAUSE = 30.0
AGAIN = {429, 502, 503, 504}
REFUSALS = {
    401: "The server does not accept these credentials.",
    403: "Your role does not open this.",
    404: "There is nothing at this address, or nothing for you.",
    410: "The content is gone.",
}


class DeadlinePassedError(requests.RequestException):
    """The call took longer than it may, however steadily the bytes dripped."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    document: Document

    @property
    def pause(self) -> float:
        """Seconds that the server asks to wait before the next look."""
        return seconds(self.headers.get("Retry-After"), default=1.0)


class Session:
    """Speaks as one user to one service; credentials go to no other place than the service itself names."""

    def __init__(self, auth: AuthBase, start: str, display: Display) -> None:
        self.display = display
        self._places = {origin(start)}
        self._session = requests.Session()
        self._session.auth = auth
        self._session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})

    def trust(self, document: Document) -> None:
        """What the first answer calls itself is the service too: its public address may be another than ours."""
        self._places |= {origin(link["href"]) for link in document.get("links", []) if link["rel"] == "self"}

    def ask(self, method: str, address: str, body: Document | None = None, **headers: str) -> Answer:
        """The answer, once there is a good one. Raises ClientError."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        until, pause = time.monotonic() + PATIENCE_SECONDS, 0.5
        while True:
            try:
                response = self._once(method, address, body, sent)
            except requests.RequestException as error:
                trouble, wait = ClientError(Exit.UNREACHABLE, unreachable(address, error)), pause
            else:
                if response.status_code not in AGAIN:
                    check(response)
                    return Answer(response.status_code, response.headers, document_of(response))
                trouble = ClientError(Exit.UNREACHABLE, refusal(response))
                wait = seconds(response.headers.get("Retry-After"), default=pause)
            if time.monotonic() + wait > until:
                raise trouble
            self.display.note(f"{trouble} Trying again.")
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _once(self, method: str, address: str, body: Document | None, headers: Mapping[str, str]) -> requests.Response:
        self.check_place(address)
        with deadline(CALL_SECONDS):
            return self._session.request(
                method,
                address,
                json=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )

    def stream(self, address: str, headers: Mapping[str, str]) -> requests.Response:
        """The head of a download; its body is the caller's to read. Raises RequestException, ClientError."""
        self.check_place(address)
        with deadline(CALL_SECONDS):
            return self._session.get(
                address,
                headers={**headers, "Accept": "*/*"},
                stream=True,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )

    def check_place(self, address: str) -> None:
        """Raises ClientError for a link to elsewhere: a password must not follow it."""
        if origin(address) not in self._places:
            text = f"The server sends us to another place, {origin(address)}; our credentials do not go there."
            raise ClientError(Exit.REFUSED, text)


def check(response: requests.Response) -> None:
    """Raises ClientError for anything but a success, with what the server says about it."""
    if response.is_redirect:
        text = f"{response.url} answers with a redirection to {response.headers['Location']}; start there."
        raise ClientError(Exit.REFUSED, text)
    if not response.ok:
        code = Exit.REFUSED if response.status_code < 500 else Exit.UNREACHABLE
        raise ClientError(code, refusal(response))


def refusal(response: requests.Response) -> str:
    said = explained(document_of(response, strict=False)) or REFUSALS.get(response.status_code, "")
    method = response.request.method
    return f"{method} {response.url} was answered with {response.status_code} {response.reason}.\n{said}".rstrip()


def document_of(response: requests.Response, *, strict: bool = True) -> Any:
    if not response.content:
        return {}
    try:
        return response.json()
    except requests.JSONDecodeError as error:
        if not strict:
            return {}
        text = f"{response.url} does not answer in JSON; is this the address of a Tallyport server?"
        raise ClientError(Exit.REFUSED, text) from error


def unreachable(address: str, error: requests.RequestException) -> str:
    """In plain words: the exception's own text names sockets and pools."""
    where = origin(address)
    if isinstance(error, requests.exceptions.SSLError):
        return f"The certificate of {where} cannot be verified."
    if isinstance(error, (requests.Timeout, DeadlinePassedError)):
        return f"{where} does not answer in time."
    if isinstance(error, requests.ConnectionError):
        return f"{where} cannot be reached."
    return f"{where} could not be asked ({type(error).__name__})."


def origin(address: str) -> str:
    """Scheme and host. Raises ClientError for what is no http address."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ClientError(Exit.REFUSED, f"{address!r} is no address like https://tallyport.example.")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def seconds(header: str | None, *, default: float) -> float:
    """What `Retry-After` asks for, bounded; a date or nonsense counts as nothing said."""
    try:
        return min(max(float(header or ""), 0.0), LONGEST_PAUSE)
    except ValueError:
        return default


@contextmanager
def deadline(limit: float) -> Iterator[None]:
    """Ends what runs in it after so many seconds: a socket's timeout starts anew with every byte.

    Signals reach the main thread alone; elsewhere the socket's timeouts have to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(signum: int, frame: FrameType | None) -> None:
        raise DeadlinePassedError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
