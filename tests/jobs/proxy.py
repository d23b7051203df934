"""Stands between us and PostgreSQL and can lose a COMMIT, or only the answer to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import connection

SOCKET = ".s.PGSQL.5432"


class Proxy:
    """`lose`: "nothing", "commit" (the server never gets it) or "answer" (it is done, and we do not hear of it)."""

    def __init__(self, folder: Path, server: Path) -> None:
        self.lose = "nothing"
        self._answered_to: socket.socket | None = None  # who waits for the answer that will be lost
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server / SOCKET))
                threading.Thread(target=self._upward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._downward, args=(client, server), daemon=True).start()

    def _upward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                if b"COMMIT" in data and self.lose == "commit":
                    self.lose = "nothing"
                    break
                if b"COMMIT" in data and self.lose == "answer":
                    self._answered_to = client
                server.sendall(data)
        if client is not self._answered_to:
            _close(client, server)

    def _downward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                if client is self._answered_to:
                    self.lose = "nothing"
                    break
                client.sendall(data)
        _close(client, server)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def in_between(folder: Path) -> Iterator[Proxy]:
    """While it lasts, Django's connections go through the proxy. `folder` has a short name, for the socket's sake."""
    direct = connection.settings_dict["HOST"]
    proxy = Proxy(folder, Path(connection.get_connection_params()["host"]))
    connection.close()
    connection.settings_dict["HOST"] = str(folder)
    try:
        yield proxy
    finally:
        connection.close()
        connection.settings_dict["HOST"] = direct
        proxy.close()
