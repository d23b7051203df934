"""A temporary table of consumptions that are checked but not yet in the ledger.

It is filled in transactions of its own, before the one that writes to the ledger: exports of closed windows wait for
that one, so it should be short, however slowly the rows come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier


class StagedRow(NamedTuple):
    """One consumption, its codes replaced by ids; the columns of the table, in their order. Another one follows them,
    `counter_period_id`, which is filled in once the period is known.

    No `start_date`: the counter says which period it is. What is `pinned`, the sender expects to be so.
    """

    line: int
    limit_id: int
    aggregation_level: str
    person_code: str | None
    family_code: str | None
    start_date: date | None
    end_date: date | None
    service_date: date
    amount: Decimal | None
    number_of_units: Decimal | None
    provider_code: str | None
    external_id: str | None
    transaction_source_id: int | None
    reference_code: str | None
    description: str | None
    withdrawn: bool
    pinned_counter: int | None = None
    pinned_start: date | None = None
    pinned_end: date | None = None


_CREATE = """
    CREATE TEMPORARY TABLE staged_consumption (
        line bigint NOT NULL,
        limit_id bigint NOT NULL,
        aggregation_level text NOT NULL,
        person_code text,
        family_code text,
        start_date date,
        end_date date,
        service_date date NOT NULL,
        amount numeric(20, 4),
        number_of_units numeric(20, 4),
        provider_code text,
        external_id text,
        transaction_source_id bigint,
        reference_code text,
        description text,
        withdrawn boolean NOT NULL,
        pinned_counter bigint,
        pinned_start date,
        pinned_end date,
        counter_period_id bigint
    )
"""
_DROP = "DROP TABLE IF EXISTS pg_temp.staged_consumption"
_COPY = SQL("COPY pg_temp.staged_consumption ({}) FROM STDIN").format(
    SQL(", ").join(map(Identifier, StagedRow._fields))
)


_GIVEN = "CREATE TEMPORARY TABLE IF NOT EXISTS given_line (line bigint NOT NULL, content text NOT NULL)"
_COPY_GIVEN = "COPY pg_temp.given_line FROM STDIN (FORMAT binary)"


@contextmanager
def table(connection: Connection[Any]) -> Iterator[None]:
    """The empty table, there until the end of the block. One at a time on a connection."""
    with connection.transaction():
        connection.execute(_DROP)
        connection.execute(_CREATE)
    try:
        yield
    finally:
        # In a transaction that has failed, or on a lost connection, the table goes by itself.
        with suppress(psycopg.Error):
            connection.execute(_DROP)


def take_lines(connection: Connection[Any]) -> None:
    """From here on the connection also has a table of lines as they came, for as long as it is open."""
    connection.execute(_GIVEN)


def give(connection: Connection[Any], lines: Iterable[tuple[int, str]]) -> None:
    """Brings lines, each with its number, in the place of those before. Needs `take_lines`."""
    connection.execute("TRUNCATE pg_temp.given_line")
    with connection.cursor() as cursor, cursor.copy(_COPY_GIVEN) as copy:
        copy.set_types(["int8", "text"])
        for line in lines:
            copy.write_row(line)


def add(connection: Connection[Any], rows: Iterable[StagedRow]) -> None:
    with connection.transaction(), connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)


def clear(connection: Connection[Any]) -> None:
    connection.execute("TRUNCATE pg_temp.staged_consumption")
