"""Receivers that misbehave, on real sockets: each takes one connection at a time and does its worst with it."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

Behaviour = Callable[[socket.socket], None]
LONGER_THAN_ANY_DEADLINE = 20.0  # of those that tests set
_LOOPBACK = ("127.0.0.1", 0)


@contextmanager
def listening(behave: Behaviour) -> Iterator[int]:
    """A port where every connection gets this behaviour, one thread each."""
    with socket.create_server(_LOOPBACK, backlog=16) as server:

        def serve(connection: socket.socket) -> None:
            with closing(connection), suppress(OSError):
                behave(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


@contextmanager
def nobody_accepts() -> Iterator[int]:
    """A port whose queue is full: the connection is never made, as with a machine that is down."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(_LOOPBACK)
        server.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@contextmanager
def nobody_listens() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(_LOOPBACK)
        yield held.getsockname()[1]


def request_of(connection: socket.socket) -> bytes:
    """Everything that was sent."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536) or b" " * length
    return head + b"\r\n\r\n" + body


def answering(answer: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(answer)

    return behave


def simple(status: str, *headers: str, body: bytes = b"") -> Behaviour:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return answering("\r\n".join(lines).encode() + body)


def dripping(first: bytes, pause: float = 0.05) -> Behaviour:
    """Sends the first bytes, and then one more again and again: never silent, never done."""

    def behave(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(first)
        until = time.monotonic() + LONGER_THAN_ANY_DEADLINE
        while time.monotonic() < until:
            connection.sendall(b"x")
            time.sleep(pause)

    return behave


def endless(connection: socket.socket) -> None:
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def endless_chunks(connection: socket.socket) -> None:
    request_of(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def late(connection: socket.socket) -> None:
    request_of(connection)
    time.sleep(3)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def plain_where_tls_is_expected(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def silent_close(connection: socket.socket) -> None:
    request_of(connection)


def gzip_bomb() -> bytes:
    return gzip.compress(bytes(70_000_000))


def over_tls(behave: Behaviour, context: ssl.SSLContext) -> Behaviour:
    def secured(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            behave(tls)

    return secured
