"""Foreign keys checked for many rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.sql import SQL, Identifier

_OF_TABLES = """
    SELECT t.relname, c.conname, pg_get_constraintdef(c.oid)
      FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
     WHERE c.contype = 'f' AND c.conrelid = ANY(%s::regclass[]) ORDER BY c.oid
"""
_DROP = SQL("ALTER TABLE {} DROP CONSTRAINT {}")
_ADD = SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")


@contextmanager
def checked_at_the_end(*tables: str) -> Iterator[None]:
    """Takes the tables' foreign keys away and puts them back, which checks all rows in one join for each key.

    Row by row, the checks cost as much as everything else in a large load. Needs a transaction and locks the tables
    until its end: not for a service at work. Raises IntegrityError when a row refers to nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OF_TABLES, [list(tables)])
        keys = [(Identifier(table), Identifier(name), SQL(definition)) for table, name, definition in cursor.fetchall()]
        for table, name, _ in keys:
            cursor.execute(_DROP.format(table, name))
        yield
        for table, name, definition in keys:
            cursor.execute(_ADD.format(table, name, definition))
