"""What HTTP/1.1 promises, against the real server, byte by byte."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import Any

import pytest

from tests.faults.stack import EVERYTHING, Stack
from tests.web.wire import CHUNKED, JSON, USER, Wire, chunk, length

BATCHES = "/api/readconsumptionbatches"
BATCH = "/api/generic/readconsumptionbatches/1"
EXPORT = json.dumps(EVERYTHING).encode()
LIMIT = 1024 * 1024  # bytes of a JSON body


def number(served: Stack) -> int:
    return int(served.value("SELECT count(*) FROM consumption_readconsumptionbatch"))


# -- HEAD ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api", BATCH, "/api/datafilesets", "/api/generic/tasks/999999", "/healthz", "data"])
def test_head_is_get_without_its_body(wire: Wire, data: str, path: str) -> None:
    """Whatever stood after the headers would be taken for the next answer."""
    path = data if path == "data" else path
    got, head = wire.ask(f"GET {path}"), wire.ask(f"HEAD {path}")
    assert (head.status, head.body) == (got.status, b"")
    for headers in (got.headers, head.headers):
        del headers["Date"], headers["X-Request-ID"]
    assert head.headers.items() == got.headers.items()
    assert int(head.headers["Content-Length"]) == len(got.body)
    assert wire.ask(f"GET {BATCH}").status == 200


# -- ranges ----------------------------------------------------------------------------------------


def test_ranges(wire: Wire, data: str) -> None:
    whole = wire.ask(f"GET {data}")
    size = len(whole.body)
    assert whole.headers["Accept-Ranges"] == "bytes"
    for wanted, start, end in [
        ("0-0", 0, 1),
        ("5-104", 5, 105),
        (f"{size - 7}-", size - 7, size),
        ("-9", size - 9, size),
    ]:
        part = wire.ask(f"GET {data}", f"Range: bytes={wanted}")
        assert (part.status, part.body) == (206, whole.body[start:end])
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.headers["ETag"] == whole.headers["ETag"]
    beyond = wire.ask(f"GET {data}", f"Range: bytes={size}-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_a_broken_download_goes_on(wire: Wire, served: Stack, data: str) -> None:
    whole = wire.ask(f"GET {data}")
    with Wire(served.port) as broken:
        broken.send(f"GET {data}", USER)
        begun = broken.socket.recv(60_000).partition(b"\r\n\r\n")[2]
    rest = wire.ask(f"GET {data}", f"Range: bytes={len(begun)}-", f"If-Range: {whole.headers['ETag']}")
    assert rest.status == 206
    assert begun + rest.body == whole.body
    other = wire.ask(f"GET {data}", f"Range: bytes={len(begun)}-", 'If-Range: "another"')
    assert (other.status, other.body) == (200, whole.body)


# -- bodies ----------------------------------------------------------------------------------------


def test_a_chunked_body(wire: Wire) -> None:
    halves = chunk(EXPORT[:20], ";name=value") + chunk(EXPORT[20:])
    answer = wire.ask(f"POST {BATCHES}", CHUNKED, JSON, body=halves + b"0\r\n\r\n")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (201, b"", "0")
    answer = wire.ask(f"POST {BATCHES}", CHUNKED, JSON, body=halves + b"0\r\nTrailer: x\r\n\r\n")
    assert answer.status == 201
    assert wire.ask(f"POST {BATCHES}", CHUNKED, JSON, body=b"0\r\n\r\n").status == 400, "an empty one"


def test_a_body_byte_by_byte(wire: Wire) -> None:
    wire.send(f"POST {BATCHES}", USER, JSON, length(EXPORT))
    for position in range(len(EXPORT)):
        wire.socket.sendall(EXPORT[position : position + 1])
    assert wire.answer().status == 201


@pytest.mark.parametrize("body", [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}", b"ffffffffffffffffff\r\n{}"])
def test_chunks_that_are_none(wire: Wire, served: Stack, body: bytes) -> None:
    before = number(served)
    wire.send(f"POST {BATCHES}", USER, CHUNKED, JSON, body=body)
    assert wire.answer().status == 400
    assert number(served) == before


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: x",),
        ("Content-Length: -1",),
        ("Transfer-Encoding: gzip",),
        ("Content-Length: 4", "Transfer-Encoding: chunked, identity"),
    ],
)
def test_lengths_that_two_servers_could_read_differently(wire: Wire, served: Stack, headers: tuple[str, ...]) -> None:
    before = number(served)
    wire.send(f"POST {BATCHES}", USER, JSON, *headers, body=b"0\r\n\r\n")
    assert wire.answer().status == 400
    assert wire.is_closed(), "nobody knows where the next request begins"
    assert number(served) == before


def test_chunked_wins_over_a_length(wire: Wire) -> None:
    """Where both are sent RFC 9112 has the length ignored; what follows is not taken for a request."""
    body = chunk(EXPORT) + b"0\r\n\r\n"
    wire.send(f"POST {BATCHES}", USER, JSON, "Content-Length: 3", CHUNKED, body=body)
    assert wire.answer().status in {201, 400}


@pytest.mark.parametrize(
    ("how", "sent"), [(f"Content-Length: {len(EXPORT) + 1}", EXPORT), (CHUNKED, chunk(EXPORT[:30]))]
)
def test_a_client_that_goes_away_has_asked_for_nothing(served: Stack, how: str, sent: bytes) -> None:
    """The server hands out what it got of a body as if it were all."""
    before, log = number(served), served.log("web").stat().st_size
    with Wire(served.port) as gone:
        gone.send(f"POST {BATCHES}", USER, JSON, how, body=sent)
    served.wait("it is done", lambda: b" POST " in served.log("web").read_bytes()[log:])
    assert number(served) == before


def test_continue_is_said_only_to_whom_may_send(wire: Wire) -> None:
    wire.send(f"POST {BATCHES}", USER, JSON, length(EXPORT), "Expect: 100-continue")
    assert wire.socket.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.socket.sendall(EXPORT)
    assert wire.answer().status == 201


def test_nobody_sends_a_body_for_nothing(wire: Wire) -> None:
    wire.send(f"POST {BATCHES}", JSON, length(EXPORT), "Expect: 100-continue")
    assert wire.socket.recv(1000).startswith(b"HTTP/1.1 401 ")


# -- too much --------------------------------------------------------------------------------------


def send_on(wire: Wire, size: int, block: bytes) -> None:
    """Until all is sent or the server has heard enough."""
    with suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(size // LIMIT):
            wire.socket.sendall(block)


@pytest.mark.parametrize("size", [LIMIT + 1, 40 * LIMIT])
def test_a_body_over_the_limit(wire: Wire, served: Stack, size: int) -> None:
    wire.send(f"POST {BATCHES}", USER, JSON, f"Content-Length: {size}")
    send_on(wire, size, b" " * LIMIT)
    answer = wire.answer() if size > LIMIT + 1 else finish(wire)
    assert answer.status == 413
    assert json.loads(answer.body)["status"] == 413


def finish(wire: Wire) -> Any:
    wire.socket.sendall(b" ")
    return wire.answer()


def test_a_chunked_body_without_end(wire: Wire) -> None:
    wire.send(f"POST {BATCHES}", USER, JSON, CHUNKED)
    send_on(wire, 40 * LIMIT, chunk(b" " * LIMIT))
    assert wire.answer().status == 413


@pytest.mark.parametrize(
    ("request_line", "header"),
    [
        (f"GET {BATCH}", "X-Large: " + "x" * 500_000),
        (f"GET {BATCH}?" + "x" * 500_000, ""),
        (f"GET {BATCH}", "\r\n".join(f"X-{n}: x" for n in range(200))),
    ],
)
def test_headers_too_large(wire: Wire, request_line: str, header: str) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        wire.send(request_line, USER, header)
    assert wire.answer().status in {414, 431}


# -- connections -----------------------------------------------------------------------------------


def test_many_requests_over_one_connection(wire: Wire, data: str) -> None:
    tag = wire.ask(f"GET {BATCH}").headers["ETag"]
    for _ in range(3):
        assert wire.ask(f"GET {BATCH}").status == 200
        assert wire.ask(f"GET {BATCH}", f"If-None-Match: {tag}").status == 304
        assert wire.ask(f"OPTIONS {BATCH}").status == 204
        assert wire.ask(f"POST {BATCHES}", JSON, length(EXPORT), body=EXPORT).status == 201
        assert wire.ask(f"POST {BATCHES}", JSON, length(b"{}"), body=b"{}").status == 422
        assert wire.ask(f"POST {BATCHES}", CHUNKED, JSON, body=chunk(EXPORT) + b"0\r\n\r\n").status == 201
        assert wire.ask(f"GET {data}", "Range: bytes=0-99").status == 206
        assert wire.ask(f"PUT {BATCH}", JSON, length(b"{}"), body=b"{}").status == 405, "its body is skipped"
        assert wire.ask("GET /nowhere").status == 404


def test_close_and_http_1_0(wire: Wire, served: Stack) -> None:
    assert wire.ask(f"GET {BATCH}", "Connection: close").status == 200
    assert wire.is_closed()
    with Wire(served.port) as old:
        old.socket.sendall(f"GET {BATCH} HTTP/1.0\r\nHost: localhost\r\n{USER}\r\n\r\n".encode())
        assert old.answer().status == 200
        assert old.is_closed()


def test_a_request_without_host(wire: Wire) -> None:
    wire.send(f"GET {BATCH}", USER, host="")
    assert wire.answer().status == 400


# -- the log of requests ---------------------------------------------------------------------------


def test_nobody_writes_a_line_of_the_log(wire: Wire, served: Stack) -> None:
    name = f"mark-{secrets.token_hex(6)}"
    assert wire.ask(f"GET /api/{name}%0A2026-01-01%20INFO%20forged%0D%1B[31m%E2%80%A8").status == 404

    def told() -> list[str]:
        return [line for line in served.log("web").read_text().splitlines() if name in line or "forged" in line]

    served.wait("Django and the server have logged it", lambda: len(told()) >= 2)
    lines = told()
    assert len(lines) == 2, lines
    assert all(name in line and "forged" in line and "\x1b" not in line for line in lines), lines
    assert any("granian.access" in line and f"GET /api/{name}%0A2026-01-01%20INFO" in line for line in lines), lines
