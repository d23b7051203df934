"""What requests ask most is planned once, a connection that lives is not asked whether it does, and one that was not
made in time is let go."""

from __future__ import annotations

import select
from typing import Any, Self, cast

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor, OperationalError
from psycopg._preparing import Prepare
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from psycopg.errors import FeatureNotSupported, error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus


def prepared() -> CursorWrapper:
    """A cursor like `connection.cursor()` whose statements PostgreSQL plans once for each connection, not once for each
    request: the most frequent ones take longer to plan than to answer.

    A connection pooler that gives a connection to somebody else after each transaction needs PREPARED_STATEMENTS=0.
    """
    wrapper = _wrapper()
    if not settings.PREPARED_STATEMENTS or wrapper.queries_logged:  # the log would not see what was prepared before
        return cast(CursorWrapper, wrapper.cursor())
    wrapper.close_if_health_check_failed()
    wrapper.ensure_connection()
    with wrapper.wrap_database_errors:
        made: CursorWrapper = wrapper._prepare_cursor(_PreparingCursor(wrapper.connection))
    return made


def row(sql: str, parameters: Any) -> tuple[Any, ...] | None:
    """The first row that a prepared statement brings. What each poll asks goes this way: the cursors of Django and of
    psycopg, and the texts that numbers and moments travel as, cost more than PostgreSQL's answer."""
    wrapper = _wrapper()
    if not settings.PREPARED_STATEMENTS or wrapper.queries_logged or wrapper.execute_wrappers:
        with prepared() as cursor:
            cursor.execute(sql, parameters)
            return cast("tuple[Any, ...] | None", cursor.fetchone())
    wrapper.close_if_health_check_failed()
    wrapper.ensure_connection()
    wrapper.validate_no_broken_transaction()
    with wrapper.wrap_database_errors:
        return _first(wrapper.connection, sql, parameters)


def _first(session: Any, sql: str, parameters: Any) -> tuple[Any, ...] | None:
    """What `session` has planned is asked of libpq itself, which sends and waits in one call without the interpreter's
    lock; psycopg keeps the plans, and makes what is missing."""
    adaptation = Transformer(session)
    query = PostgresQuery(adaptation)
    query.convert(sql, parameters)
    planned, name = session._prepared.get(query, True)
    if planned is Prepare.YES and _has_begun(session):
        session._prepared.maybe_add_to_cache(query, planned, name)  # from now on the last one to be given up
        result = session.pgconn.exec_prepared(name, query.params, query.formats, Format.BINARY)
        if result.status == ExecStatus.TUPLES_OK:
            adaptation.set_pgresult(result)
            return adaptation.load_row(0, tuple) if result.ntuples else None
        _check(session, result)
    return _PreparingCursor(session).execute(sql, parameters, binary=True).fetchone()


def _has_begun(session: Any) -> bool:
    """Whether a statement may be sent as it is: no transaction has to begin before it."""
    return bool(session.autocommit or session.pgconn.transaction_status != TransactionStatus.IDLE)


def _check(session: Any, result: Any) -> None:
    """Raises what psycopg would raise, unless the plan alone is wrong. What PostgreSQL says has a code; what libpq says
    has none, and means that the session is lost, even when it does not look like that yet."""
    error = error_from_result(result)
    if error.sqlstate is None:
        message = session.pgconn.get_error_message()
        session.close()
        raise OperationalError(message)
    if session.closed:
        raise OperationalError(session.pgconn.get_error_message())
    if not isinstance(error, FeatureNotSupported):
        raise error


def _wrapper() -> Any:
    """Django's connection itself: what it passes through otherwise looks it up for each attribute."""
    return connections[DEFAULT_DB_ALIAS]


class _PreparingCursor(Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        try:
            return super().execute(query, params, prepare=True, **options)
        except FeatureNotSupported:  # a migration has changed the type of a column that it brings
            self.connection.execute("DEALLOCATE ALL")
            return super().execute(query, params, prepare=True, **options)


def is_quiet(session: Any = None) -> bool:
    """False when the server has sent something that nobody asked for, which mostly is its goodbye. Free of charge.

    `session` is a connection of psycopg that is not in the middle of a statement; Django's unless given.
    """
    session = session or connection.connection
    if session is None or session.closed:
        return False
    arrived = select.poll()
    arrived.register(session.fileno(), select.POLLIN)
    return not arrived.poll(0)


def let_go(error: BaseException) -> None:
    """Closes what psycopg was about to connect when this error came; call it when the error has been dealt with.

    Its frames and the error hold each other, and with them the connection, until the garbage collector comes by. A
    server that answers late would keep a session for it so long.
    """
    error.__context__ = None
    error.__traceback__ = None
