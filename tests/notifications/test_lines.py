"""Connections that are kept from call to call: which, for how long, and what never goes from one answer to the next."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from jobs.notifications.client import Line
from jobs.notifications.states import Outcome
from jobs.notifications.wire import BODY_LIMIT, Answer, CallFailed, Request
from tests.notifications import hostile
from tests.notifications.certificates import server_context
from tests.notifications.hostile import Behaviour, listening

OWN = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown"
LEAK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nleak"


class Script:
    """A receiver that gives its n-th connection the n-th list of answers: one for each request, in turn. After the last
    one it closes the connection; an empty answer keeps silent until then."""

    def __init__(self, *connections: list[bytes]) -> None:
        self.connections = iter(connections)
        self.opened = self.asked = 0

    def __call__(self, connection: socket.socket) -> None:
        self.opened += 1
        for answer in next(self.connections):
            if not hostile.request_of(connection).strip():
                return
            self.asked += 1
            connection.sendall(answer)


@contextmanager
def at(behave: Behaviour) -> Iterator[str]:
    with listening(behave) as port:
        yield f"http://127.0.0.1:{port}/"


def posted(line: Line, url: str) -> Answer:
    return line.call(Request("POST", url, {"Content-Type": "application/json"}, b"{}"))


def test_one_connection_for_many_calls() -> None:
    script = Script([OWN] * 5)
    with at(script) as url, Line() as line:
        assert [posted(line, url).body for _ in range(5)] == [b"own"] * 5
    assert (script.opened, script.asked) == (1, 5)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", id="no content"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", id="continue"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-End: 1\r\n\r\n", id="chunks"
        ),
        pytest.param(b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", id="a failure"),
    ],
)
def test_kept_after_an_answer_with_an_end(first: bytes) -> None:
    script = Script([first, OWN])
    with at(script) as url, Line() as line:
        posted(line, url)
        assert posted(line, url).body == b"own"
    assert script.opened == 1


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" + LEAK, id="two answers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", id="longer than it said"),
        pytest.param(b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", id="no content with a length"),
        pytest.param(
            b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="no content, chunked"
        ),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n", id="an interim answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab", id="two lengths"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab", id="it says that it closes"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", id="HTTP/1.0"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + b"x" * 70000, id="cut"),
    ],
)
def test_nothing_goes_over_to_the_next_answer(first: bytes) -> None:
    script = Script([first, LEAK], [OWN])
    with at(script) as url, Line() as line:
        assert len(posted(line, url).body) <= BODY_LIMIT
        assert posted(line, url).body == b"own"
    assert script.opened == 2


def test_a_receiver_that_closes_after_each_answer() -> None:
    script = Script([OWN], [OWN], [OWN])
    with at(script) as url, Line() as line:
        for _ in range(3):
            assert posted(line, url).body == b"own"
    assert (script.opened, script.asked) == (3, 3)


def test_a_kept_connection_that_closes_on_the_next_request() -> None:
    """As it looks when the receiver closed it while the request was under way."""
    script = Script([OWN, b""], [OWN])
    with at(script) as url, Line() as line:
        posted(line, url)
        assert posted(line, url).body == b"own"
    assert (script.opened, script.asked) == (2, 3)


@pytest.mark.parametrize(
    ("connections", "asked"),
    [
        pytest.param([[OWN, b""], [b""]], 3, id="the fresh one too"),
        pytest.param([[b""]], 1, id="the first one"),
        pytest.param([[OWN, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"]], 2, id="after something of an answer"),
        pytest.param([[OWN, b"HTTP/1.1 200 OK\r\nContent-"]], 2, id="after something of a head"),
    ],
)
def test_asked_again_only_where_nothing_came(connections: list[list[bytes]], asked: int) -> None:
    script = Script(*connections)
    with at(script) as url, Line() as line, pytest.raises(CallFailed) as failed:
        for _ in range(2):
            posted(line, url)
    assert failed.value.outcome == Outcome.CLOSED
    assert (script.opened, script.asked) == (len(connections), asked)


def test_silence_on_a_kept_connection_is_not_asked_again(quick_deadlines: None) -> None:
    script = Script([OWN, b"", b""])
    with at(script) as url, Line() as line:
        posted(line, url)
        with pytest.raises(CallFailed) as failed:
            posted(line, url)
    assert failed.value.outcome == Outcome.TIMEOUT
    assert (script.opened, script.asked) == (1, 2)


def test_another_url_another_connection() -> None:
    first, second = Script([OWN, LEAK]), Script([OWN])
    with at(first) as one, at(second) as other, Line() as line:
        assert posted(line, one).body == posted(line, other).body == b"own"
    assert (first.asked, second.asked) == (1, 1)


def test_each_new_connection_goes_to_a_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that points inside later on: the kept connection stays where it was, a new one is refused."""
    ask, addresses = socket.getaddrinfo, iter(["127.0.0.1", "10.0.0.1"])

    def told(host: str, *arguments: Any, **options: Any) -> Any:
        return ask(next(addresses) if host == "moving.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", told)
    script = Script([OWN, OWN])
    with listening(script) as port, Line() as line:
        url = f"http://moving.example:{port}/"
        assert posted(line, url).body == posted(line, url).body == b"own"
        with pytest.raises(CallFailed) as failed:
            posted(line, url)
    assert failed.value.outcome == Outcome.ADDRESS
    assert script.opened == 1


def test_kept_over_tls(tmp_path: Path, settings: Any) -> None:
    script = Script([OWN] * 3, [OWN])
    context, trusted = server_context(tmp_path, "localhost")
    settings.DELIVERY_CA_FILE = str(trusted)
    with listening(hostile.over_tls(script, context)) as port, Line() as line:
        for _ in range(4):
            assert posted(line, f"https://localhost:{port}/").body == b"own"
    assert script.opened == 2


def test_its_end_closes_the_connection() -> None:
    ends: Queue[bytes] = Queue()

    def behave(connection: socket.socket) -> None:
        hostile.request_of(connection)
        connection.sendall(OWN)
        ends.put(connection.recv(1))

    with at(behave) as url:
        with Line() as line:
            posted(line, url)
        assert ends.get(timeout=20) == b""
