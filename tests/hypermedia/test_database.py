"""Prepared statements, and the look at a kept connection."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from psycopg.pq import ExecStatus

from hypermedia import database
from hypermedia.database import let_go, prepared, row
from jobs.leases import connection_info

STATEMENT = "SELECT number FROM changing WHERE number = %s"


def ask(sql: str, *parameters: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def plans() -> int:
    return int(ask("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%FROM changing%%'"))


@pytest.fixture
def changing(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE changing ON COMMIT DROP AS SELECT 1 AS number")


def read() -> Any:
    with prepared() as cursor:
        cursor.execute(STATEMENT, [1])
        return cursor.fetchone()[0]


def test_a_statement_is_planned_once(changing: None) -> None:
    assert [read(), read(), plans()] == [1, 1, 1]


def test_it_can_be_switched_off(changing: None, settings: Any) -> None:
    settings.PREPARED_STATEMENTS = False
    assert [read(), read(), plans()] == [1, 1, 0]


@pytest.fixture
def own_session(transactional_db: None) -> int:
    """The process id of a session that was seen alive a moment ago."""
    connection.close()
    pid = int(ask("SELECT pg_backend_pid()"))
    assert connection.is_usable()
    return pid


def other(sql: str, *parameters: Any) -> Any:
    with psycopg.connect(connection_info(), autocommit=True) as there:
        found = there.execute(sql, parameters).fetchone()
        assert found is not None
        return found[0]


@pytest.mark.parametrize("on", [True, False])
def test_one_row(db: None, settings: Any, on: bool) -> None:
    """The same values, whichever way they travel."""
    settings.PREPARED_STATEMENTS = on
    moment = datetime(2026, 11, 27, 9, 30, 0, 5000, tzinfo=UTC)
    sql = "SELECT %s::bigint, %s::timestamptz, %s::text[], true, NULL::int WHERE %s::int = 1"
    for _ in ("planned", "as planned"):
        assert row(sql, [2**40, moment, ["a", "ü"], 1]) == (2**40, moment, ["a", "ü"], True, None)
        assert row(sql, [2**40, moment, ["a", "ü"], 2]) is None
    with pytest.raises(IntegrityError):
        row("INSERT INTO jobs_message (severity) VALUES (%s)", ["x"])
    connection.set_rollback(True)


def test_a_row_counts_where_statements_are_counted(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        row("SELECT %s::int", [1])


@pytest.fixture
def planned(own_session: int, monkeypatch: Any) -> str:
    """A statement that is planned already, so that no cursor is needed for it."""
    statement = "SELECT (%s::text)::int"
    assert row(statement, ["1"]) == (1,)
    monkeypatch.setattr(database, "_PreparingCursor", None)
    return statement


def test_what_is_planned_needs_no_cursor(planned: str) -> None:
    assert row(planned, ["2"]) == (2,)
    with pytest.raises(DataError, match="invalid input syntax"):
        row(planned, ["x"])
    assert row(planned, ["3"]) == (3,)


def test_a_session_that_ended_says_so_until_it_is_replaced(planned: str, own_session: int, monkeypatch: Any) -> None:
    assert other("SELECT pg_terminate_backend(%s, 5000)", own_session)
    with pytest.raises(OperationalError, match="terminating connection"):
        row(planned, ["2"])
    with pytest.raises(OperationalError, match="no connection"):
        row(planned, ["2"])
    monkeypatch.undo()
    connection.close_if_unusable_or_obsolete()
    assert row(planned, ["2"]) == (2,)


def test_what_libpq_says_by_itself_means_that_the_session_is_lost(own_session: int) -> None:
    """Now and then it says so, of a session that the server has ended, without seeing it as closed."""
    session: Any = connection.connection
    said = session.pgconn.make_empty_result(ExecStatus.FATAL_ERROR)
    with pytest.raises(psycopg.OperationalError):
        database._check(session, said)
    assert session.closed
    connection.close_if_unusable_or_obsolete()


def test_what_is_planned_still_begins_a_transaction(own_session: int) -> None:
    statement = "SELECT set_config('tallyport.tried', %s, false)"
    assert row(statement, ["before"]) == row(statement, ["before"])
    with transaction.atomic():
        assert row(statement, ["within"]) == ("within",)
        transaction.set_rollback(True)
    assert ask("SELECT current_setting('tallyport.tried')") == "before"


@pytest.mark.parametrize("ask_again", [read, lambda: row(STATEMENT, [1])[0]])  # type: ignore[index]
def test_a_plan_that_a_migration_made_wrong_is_made_anew(own_session: int, ask_again: Callable[[], Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE changing AS SELECT 1::int AS number")
    try:
        assert [ask_again(), ask_again()] == [1, 1]
        with psycopg.connect(connection_info(), autocommit=True) as there:
            there.execute("ALTER TABLE changing ALTER number TYPE numeric(9, 2)")
        assert [str(ask_again()), str(ask_again())] == ["1.00", "1.00"]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE changing")


def test_one_that_was_seen_a_moment_ago_is_not_asked_again(own_session: int, settings: Any) -> None:
    settings.CONNECTION_TRUST_SECONDS = 3600  # however slow the machine is
    ask("SELECT 42")
    assert connection.is_usable()
    assert other("SELECT query FROM pg_stat_activity WHERE pid = %s", own_session) == "SELECT 42"


def test_after_a_while_it_is(own_session: int, settings: Any) -> None:
    settings.CONNECTION_TRUST_SECONDS = 0
    ask("SELECT 42")
    assert connection.is_usable()
    assert other("SELECT query FROM pg_stat_activity WHERE pid = %s", own_session) == "SELECT 1"


def test_one_that_said_goodbye_is_not_trusted(own_session: int) -> None:
    assert other("SELECT pg_terminate_backend(%s, 5000)", own_session)
    assert not connection.is_usable()
    connection.close()


def test_a_connection_that_was_not_made_in_time_is_closed_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host, port = silent.getsockname()
        gc.disable()
        try:
            try:
                psycopg.connect(host=host, port=port, connect_timeout=2)
            except psycopg.errors.ConnectionTimeout as error:
                let_go(error)
            accepted, _ = silent.accept()
            with accepted:
                accepted.settimeout(60)
                while accepted.recv(4096):  # what it asked for; nothing comes when the other side has closed
                    pass
        finally:
            gc.enable()
