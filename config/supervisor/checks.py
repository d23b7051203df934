"""What must hold before anything is started. Each check raises a ServiceError that says it in one line."""

from __future__ import annotations

import os
import re
import socket

from django.db import DatabaseError, connection
from kombu import Connection

from config.embedded.process import ServiceError
from config.supervisor.environment import Address

LAST_PORT = 65535
NO_NEWS = re.compile(r"^connection (failed|is bad): ")


def port_is_free(address: Address) -> None:
    """Nobody listens on the address, nor on `localhost`, which may mean another one to a browser."""
    if not 0 < address.port <= LAST_PORT:
        raise ServiceError(f"Port {address.port} cannot be used: choose one up to {LAST_PORT} with PORT.")
    try:
        with socket.create_server((address.host, address.port), family=family(address.host)):
            pass
    except OSError as error:
        raise ServiceError(
            f"Port {address.port} of {address.host} cannot be used ({reason(error)}): choose another with PORT."
        ) from error
    if answers("localhost", address.port):
        raise ServiceError(f"Port {address.port} is used by another program: stop it, or choose another with PORT.")


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def reason(error: OSError) -> str:
    """In the system's words, which Python would prolong; a name that cannot be resolved has none."""
    return os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def database_is_there() -> None:
    """The database at DATABASE_URL takes connections."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise ServiceError(f"The database at DATABASE_URL cannot be used: {one_line(error)}") from error
    finally:
        connection.close()


def broker_is_there(url: str) -> None:
    """The broker at CELERY_BROKER_URL takes connections."""
    try:
        with Connection(url, connect_timeout=3, transport_options={"socket_connect_timeout": 3}) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=5)
    except Exception as error:  # every transport has its own
        raise ServiceError(f"The broker at CELERY_BROKER_URL cannot be used: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """The first line of an error's text that gives a reason; libpq adds hints and other attempts."""
    lines = [NO_NEWS.sub("", line.strip()) for line in str(error).splitlines() if line.strip()]
    reasons = [line for line in lines if "failed: " in line]
    return (reasons or lines or [type(error).__name__])[0].removesuffix(".") + "."
