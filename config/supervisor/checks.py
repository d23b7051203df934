"""What must hold before anything is started. Each check raises a ServiceError that says it in one line."""

from __future__ import annotations

import socket

from django.db import DatabaseError, connection
from kombu import Connection

from config.embedded.process import ServiceError
from config.supervisor.environment import Address


def port_is_free(address: Address) -> None:
    """Nobody listens on the address, nor on `localhost`, which may mean another one to a browser."""
    try:
        with socket.create_server((address.host, address.port), family=family(address.host)):
            pass
    except OSError as error:
        raise ServiceError(
            f"Port {address.port} cannot be used ({reason(error)}): stop what uses it, or choose another with PORT."
        ) from error
    if answers("localhost", address.port):
        raise ServiceError(f"Port {address.port} is used by another program: stop it, or choose another with PORT.")


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


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
            broker.ensure_connection(max_retries=1, timeout=5)
    except Exception as error:  # every transport has its own
        raise ServiceError(f"The broker at CELERY_BROKER_URL cannot be used: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    """The last line of an error's text, where libpq puts the reason after the attempts."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).removesuffix(".") + "."
