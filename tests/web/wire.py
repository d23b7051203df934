"""HTTP by hand: what is sent is what a test says, byte by byte."""

from __future__ import annotations

import socket
from base64 import b64encode
from http.client import HTTPMessage, HTTPResponse
from typing import NamedTuple, Self

USER = "Authorization: Basic " + b64encode(b"testuser1:testuser1").decode()
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


class Answer(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


class Wire:
    """One connection; a context manager."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)
        self.socket.connect(("127.0.0.1", port))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, request: str, *headers: str, body: bytes = b"", host: str = "Host: localhost") -> None:
        """The request's first line without its version, its headers, and as much of its body as is given."""
        lines = (f"{request} HTTP/1.1", host, *headers)
        self.socket.sendall("".join(f"{line}\r\n" for line in lines if line).encode() + b"\r\n" + body)

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, whose body is read to its end. Nothing may have been asked beyond it."""
        with HTTPResponse(self.socket, method=method) as response:
            response.begin()
            return Answer(response.status, response.headers, response.read())

    def ask(self, request: str, *headers: str, body: bytes = b"") -> Answer:
        self.send(request, USER, *headers, body=body)
        return self.answer(request.split(maxsplit=1)[0])

    def is_closed(self) -> bool:
        """Waits for the server to end the connection."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def length(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


def chunk(data: bytes, extension: str = "") -> bytes:
    return f"{len(data):x}{extension}\r\n".encode() + data + b"\r\n"
