"""The connection on which an attempt works: kept from one attempt to the next in a pool's child.

A new session costs PostgreSQL as much as a small export: it begins without a notion of any table. So a child, which
runs one attempt at a time, keeps the one that the last attempt left in order, without its settings and temporary
tables. Whatever ends in an error, or with the lease lost, takes its connection along.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

import psycopg

from hypermedia.database import is_quiet
from jobs.leases import connection_info

# PostgreSQL itself ends a session that nobody wants for so long.
_GIVE_BACK = "DISCARD TEMP; RESET ALL; SET application_name = 'tallyport-kept'; SET idle_session_timeout = '10min'"
_TAKE = "SELECT set_config('application_name', %s, false), set_config('idle_session_timeout', '0', false)"


class AttemptConnection(psycopg.Connection[Any]):
    """As a context manager it goes back where it can be kept, and is closed otherwise."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and kept.gives_back(self):
            return
        super().__exit__(kind, error, trace)


class Kept:
    """At most one connection. Off until a pool's child says that it runs one attempt at a time."""

    def __init__(self) -> None:
        self.on = False
        self._connection: AttemptConnection | None = None

    def take(self, name: str) -> AttemptConnection:
        """The kept connection if it still lives, else a new one; PostgreSQL shows it under the name."""
        found, self._connection = self._connection, None
        if found is not None and _took(found, name):
            return found
        return AttemptConnection.connect(connection_info(application_name=name), autocommit=True)

    def gives_back(self, connection: AttemptConnection) -> bool:
        """Keeps it for the next attempt; False when it is not to be kept, or in no state for that."""
        if not self.on or connection.closed:
            return False
        try:
            connection.execute(_GIVE_BACK, prepare=False)
        except psycopg.Error:
            return False
        self.drop()
        self._connection = connection
        return True

    def drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _took(connection: AttemptConnection, name: str) -> bool:
    """False for one that the server, or something in between, has ended."""
    try:
        if is_quiet(connection):
            connection.execute(_TAKE, [name])
            return True
    except psycopg.Error:
        pass
    connection.close()
    return False


kept = Kept()
