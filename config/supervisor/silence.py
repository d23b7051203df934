"""Ends connections on which nothing moves. The server waits without end for a client that stalls in the middle of its
body, or takes no more of an answer, and each time with a thread; a few such clients would hold all of them."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# Of Linux's `struct tcp_info`: milliseconds since data was last sent, and last received.
_TCP_INFO_LENGTH = 104
_LAST_SENT, _LAST_RECEIVED = 44, 52


def watch(seconds: float) -> None:
    """Ends, from now on, every connection to this process's server that was silent for so long, both ways. It has to
    be longer than the longest answer is in coming. Does nothing where the kernel does not tell."""
    if hasattr(socket, "TCP_INFO") and Path("/proc/self/fd").is_dir():
        threading.Thread(target=_watch, args=(seconds,), name="silence", daemon=True).start()


def _watch(seconds: float) -> None:
    while True:
        time.sleep(seconds / 4)
        end_silent(seconds)


def end_silent(seconds: float) -> int:
    """How many connections ended. The server finds each of its files closed by the client."""
    ended = 0
    sockets = list(_sockets())
    try:
        served = {one.getsockname() for one in sockets if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)}
        ports = {name[1] for name in served if isinstance(name, tuple)}
        for one in sockets:
            if _silent_for(one, ports) >= seconds:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                    ended += 1
    finally:
        for one in sockets:
            one.close()
    return ended


def _sockets() -> Iterator[socket.socket]:
    """Of all our open files those that are sockets, each a copy."""
    for file in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):
            if str(file.readlink()).startswith("socket:"):
                yield socket.socket(fileno=os.dup(int(file.name)))


def _silent_for(one: socket.socket, ports: set[int]) -> float:
    """In seconds; 0 for what is no client's connection to one of these ports."""
    try:
        one.getpeername()
        name = one.getsockname()
        if not isinstance(name, tuple) or name[1] not in ports:
            return 0.0
        info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LENGTH)
    except OSError:
        return 0.0
    (sent,), (received,) = (struct.unpack_from("I", info, at) for at in (_LAST_SENT, _LAST_RECEIVED))
    return float(min(sent, received)) / 1000
