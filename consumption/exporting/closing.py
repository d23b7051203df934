"""When a window is complete. An entry's date-time is set by its writer before the writer commits, so an entry can
appear in a window that is over. An export of such a window waits for every writer that was at work when it began."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

# Transactions with an id that still run, but for those known to belong to another database of the cluster.
# The moment is that at which this statement's own transaction began, so before it looked who is at work.
_MAY_GROW = """
    SELECT date_trunc('milliseconds', now()) > %s AND EXISTS (SELECT FROM pg_snapshot_xip(pg_current_snapshot()))
"""
_WRITERS = """
    SELECT x.id::text, a.pid, a.usename, a.application_name, p.gid
      FROM pg_snapshot_xip(pg_current_snapshot()) AS x(id)
      LEFT JOIN pg_stat_activity a ON a.backend_xid = x.id::xid
      LEFT JOIN pg_prepared_xacts p ON p.transaction = x.id::xid
     WHERE coalesce(a.datname, p.database, current_database()) = current_database()
       AND (%(among)s::text[] IS NULL OR x.id::text = ANY(%(among)s))
     ORDER BY x.id
"""


@dataclass(frozen=True)
class Writer:
    """A running transaction that has an id, so that it may have written."""

    transaction_id: str
    process_id: int | None
    user: str | None
    application: str | None
    prepared_as: str | None

    def __str__(self) -> str:
        if self.prepared_as is not None:
            return f"prepared transaction {self.prepared_as!r} (id {self.transaction_id})"
        return (
            f"transaction {self.transaction_id} of process {self.process_id}"
            f" (user {self.user}, application {self.application or 'unnamed'})"
        )


def may_grow(connection: Connection[Any], end: datetime) -> bool:
    """Whether somebody is at work who can still add to a window that is over: no transaction that starts from now on
    can get a date-time in it."""
    row = connection.execute(_MAY_GROW, [end]).fetchone()
    assert row is not None
    return bool(row[0])


def writers(connection: Connection[Any], among: list[Writer] | None = None) -> list[Writer]:
    """The transactions at work now, or those `among` the given ones that still are."""
    ids = None if among is None else [writer.transaction_id for writer in among]
    return [Writer(*row) for row in connection.execute(_WRITERS, {"among": ids})]
