"""Empties the database behind a test that committed: whatever migrations left is there again, and nothing else.

Django's own way truncates every table, also the empty ones, and then makes all permissions, groups and task types
again; with the files of some hundred indexes that takes longer than most of the tests.
"""

from __future__ import annotations

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.sql import SQL, Composed, Identifier

# Tables whose rows may not be deleted; the triggers against truncating them are switched off for the tests.
_REFUSING = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%_not_truncated'"
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
_DELETED = SQL("IF EXISTS (SELECT FROM {0}) THEN DELETE FROM {0}; END IF;")
_TRUNCATED = SQL("IF EXISTS (SELECT FROM {0}) THEN TRUNCATE {0}; END IF;")
# Not touched unless it was changed, so that its rows are not a little farther apart after each test.
_RESTORED = SQL("""
    IF EXISTS ((TABLE {0} EXCEPT ALL TABLE pristine.{0}) UNION ALL (TABLE pristine.{0} EXCEPT ALL TABLE {0})) THEN
        DELETE FROM {0}; INSERT INTO {0} TABLE pristine.{0};
    END IF;
""")
_FUNCTION = SQL("""
    CREATE FUNCTION pristine.empty() RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp
    AS $empty$ BEGIN {0} END $empty$
""")


def prepare() -> None:
    """Remembers what every table holds now, and lets the append-only ones be truncated."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS pristine CASCADE; CREATE SCHEMA pristine")
        _let_truncate(cursor)
        refusing = set(_names(cursor, _REFUSING))
        steps = [_step(cursor, table, table in refusing) for table in _names(cursor, _TABLES)]
        cursor.execute(_FUNCTION.format(SQL("\n").join(steps)))


def empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pristine.empty()")


def _let_truncate(cursor: CursorWrapper) -> None:
    cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE '%_not_truncated'")
    for table, trigger in cursor.fetchall():
        cursor.execute(SQL("ALTER TABLE {} DISABLE TRIGGER {}").format(Identifier(table), Identifier(trigger)))


def _step(cursor: CursorWrapper, table: str, refusing: bool) -> Composed:
    name = Identifier(table)
    cursor.execute(SQL("SELECT FROM {} LIMIT 1").format(name))
    if cursor.fetchone() is None:
        return (_TRUNCATED if refusing else _DELETED).format(name)
    assert not refusing, "migrations write no ledger"
    cursor.execute(SQL("CREATE TABLE pristine.{0} AS TABLE {0}").format(name))
    return _RESTORED.format(name)


def _names(cursor: CursorWrapper, statement: str) -> list[str]:
    cursor.execute(statement)
    return [name for (name,) in cursor.fetchall()]
