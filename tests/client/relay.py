"""Stands between the client and the server and breaks lines."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Relay:
    """A TCP relay. `cut_after` is how many bytes of answers a line carries before it breaks; None: it does not."""

    def __init__(self) -> None:
        self.cut_after: int | None = None
        self.carried = 0
        self.lines = 0
        self._server: tuple[str, int]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def lead_to(self, host: str, port: int) -> None:
        self._server = host, port

    def close(self) -> None:
        with suppress(OSError):  # wakes whoever waits in accept
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.lines += 1
                server = socket.create_connection(self._server)
                threading.Thread(target=self._upward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._downward, args=(client, server), daemon=True).start()

    def _upward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        _close(client, server)

    def _downward(self, client: socket.socket, server: socket.socket) -> None:
        carried = 0
        with suppress(OSError):
            while data := server.recv(1 << 12):
                if self.cut_after is not None and carried + len(data) > self.cut_after:
                    break
                carried += len(data)
                self.carried += len(data)
                client.sendall(data)
        _close(client, server)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
