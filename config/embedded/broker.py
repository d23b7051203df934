"""The private broker of a clone: a Valkey server over a socket, never a port, that keeps what it was given."""

from __future__ import annotations

import signal
import socket
import subprocess

from config.embedded import process, programs
from config.embedded.folders import own
from config.embedded.place import Place
from config.embedded.process import ServiceError

START_SECONDS = 20


def start(place: Place, *, durable: bool = True) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers.

    Raises:
        ServiceError: it did not start.
    """
    own(place.broker_data, place.account)
    place.broker_socket.unlink(missing_ok=True)  # a killed server leaves its socket behind
    server = process.start(
        [
            programs.broker(place),
            *("--port", "0", "--unixsocket", place.broker_socket, "--unixsocketperm", "700"),
            *("--dir", place.broker_data, "--appendonly", "yes" if durable else "no", "--save", ""),
        ],
        log=place.log("broker"),
        account=place.account,
        cwd=place.private,
        death_signal=signal.SIGTERM,
    )
    try:
        wait_until_ready(place, server)
    except BaseException:
        stop(server)
        raise
    return server


def stop(server: subprocess.Popen[bytes]) -> None:
    process.stop(server, (signal.SIGTERM, 1))


def wait_until_ready(place: Place, server: subprocess.Popen[bytes]) -> None:
    process.wait_until(lambda: server.poll() is not None or answers(place), START_SECONDS)
    if server.poll() is not None or not answers(place):
        raise ServiceError(f"The broker did not start on {place.broker_data}; see {place.log('broker')}.")


def answers(place: Place) -> bool:
    """Whether the server serves: while it loads its data it answers an error instead of PONG."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            connection.connect(str(place.broker_socket))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
