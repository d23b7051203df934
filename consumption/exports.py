"""Turns the ledger into lines, in PostgreSQL: `COPY` of statements that build the JSON text themselves.

No HTTP, no Celery, no clock. Formatting a row costs least where it lies; here we only count and pass on. Free text
goes through `to_json`, so that quotes, backslashes and line breaks are safe and a line break in the output always ends
a line. Limit ids stand in the statement as literals: joined by code, the planner misjudges the rows and takes
two to three times as long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

BUFFER = 1 << 20  # bytes passed on at a time
WORK_MEM = "64MB"


@dataclass(frozen=True)
class ExportedLimit:
    """What the statements need to know of a limit."""

    id: int
    code: str
    type: str


@dataclass(frozen=True)
class Window:
    """Which entries: transaction date-times from `start` to `end`, both inclusive, of these limits.

    With `since`, an earlier snapshot, only those that it did not see: what became visible after it, whenever written.
    """

    start: datetime
    end: datetime
    limits: Sequence[ExportedLimit]
    since: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """The one state of the database that everything in an export comes from (`pg_snapshot` text, and when)."""

    text: str
    taken_at: datetime


@contextmanager
def reading(connection: Connection[Any], time_zone: str) -> Iterator[Snapshot]:
    """A read-only transaction on one snapshot; times are printed in `time_zone`."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute(
            "SELECT set_config('TimeZone', %s, true), set_config('work_mem', %s, true), set_config('jit', 'off', true)",
            [time_zone, WORK_MEM],
        )
        row = connection.execute("SELECT pg_current_snapshot()::text, clock_timestamp()").fetchone()
        assert row is not None
        yield Snapshot(row[0], row[1])


def find_limits(connection: Connection[Any], codes: Sequence[str] | None) -> list[ExportedLimit]:
    """The limits with these codes, or all of them, as the snapshot has them."""
    rows = connection.execute(
        "SELECT id, code, type FROM consumption_limit WHERE %s::text[] IS NULL OR code = ANY(%s) ORDER BY id",
        [codes, codes],
    )
    return [ExportedLimit(*row) for row in rows]


def estimate(connection: Connection[Any], window: Window) -> int:
    """How many lines the planner expects; a guess for the progress bar, free of charge."""
    return sum(_plan_rows(connection, statement) for statement in (_entries(window), _touched(window)))


def copy_lines(
    connection: Connection[Any], statement: Composed, write: Callable[[bytes], None], seen: Callable[[int], None]
) -> int:
    """Writes the lines of `statement` in large blocks; the number of lines. `seen` hears of each block's lines."""
    lines = 0
    buffer = bytearray()
    with connection.cursor() as cursor, cursor.copy(_as_raw_lines(statement)) as copy:
        for data in copy:
            buffer += data
            if len(buffer) >= BUFFER:
                lines += _pass_on(buffer, write, seen)
    return lines + _pass_on(buffer, write, seen)


def counter_lines(window: Window) -> Composed:
    """One line a counter period that the window touches, with its total over the whole ledger of the snapshot."""
    return SQL(
        """
        WITH touched AS ({touched}), totals AS ({totals})
        SELECT '{{"type":"counter","id":' || p.id || ',"limitCode":' || to_json(l.code)::text
            || ',"counterId":' || k.id || ',"aggregationLevel":"' || k.aggregation_level || '"' || {holder}
            || ',"startDate":"' || p.start_date || '"' || coalesce(',"endDate":"' || p.end_date || '"', '')
            || ',"total":{{' || CASE l.type
                WHEN 'AMOUNT' THEN '"amount":{{"value":' || trim_scale(coalesce(t.amount, 0))
                    || ',"currency":"' || l.currency || '"}}'
                WHEN 'UNITS' THEN '"numberOfUnits":' || trim_scale(coalesce(t.number_of_units, 0))
                ELSE '"serviceDays":' || t.service_days
            END || '}}}}'
          FROM totals t
          JOIN consumption_counterperiod p ON p.id = t.counter_period_id
          JOIN consumption_counter k ON k.id = p.counter_id
          JOIN consumption_limit l ON l.id = k.limit_id
         ORDER BY p.id
        """
    ).format(touched=_touched(window), totals=_totals(window), holder=_HOLDER)


def consumption_lines(window: Window) -> Composed:
    """One line an entry of the window."""
    return SQL(
        """
        SELECT '{{"type":"consumption","id":' || c.id || ',"limitCode":' || to_json(l.code)::text
            || ',"counterId":' || p.counter_id || ',"counterPeriodId":' || c.counter_period_id
            || ',"transactionDateTime":{{"value":"' || {moment} || '"}},"serviceDate":"' || c.service_date || '"'
            || {holder}
            || coalesce(',"amount":{{"value":' || trim_scale(c.amount) || ',"currency":"' || l.currency || '"}}', '')
            || coalesce(',"numberOfUnits":' || trim_scale(c.number_of_units), '')
            || coalesce(',"provider":{{"code":' || to_json(c.provider_code)::text || '}}', '')
            || coalesce(',"externalId":' || to_json(c.external_id)::text, '')
            || coalesce(',"transactionSourceCode":' || to_json(s.code)::text, '')
            || coalesce(',"referenceCode":' || to_json(c.reference_code)::text, '')
            || coalesce(',"description":' || to_json(c.description)::text, '')
            || CASE WHEN c.withdrawn THEN ',"withdrawn":true}}' ELSE ',"withdrawn":false}}' END
          FROM consumption_consumption c
          JOIN consumption_counterperiod p ON p.id = c.counter_period_id
          JOIN consumption_counter k ON k.id = p.counter_id
          JOIN consumption_limit l ON l.id = c.limit_id
          LEFT JOIN consumption_transactionsource s ON s.id = c.transaction_source_id
         WHERE {condition}
         ORDER BY c.id
        """
    ).format(moment=_MOMENT, holder=_HOLDER, condition=_condition(window))


_HOLDER = SQL(
    """coalesce(',"person":{"code":' || to_json(k.person_code)::text || '}',"""
    """ ',"familyCode":' || to_json(k.family_code)::text)"""
)
# Milliseconds, left out when they are zero; the only full stop in the text is the one before them.
_MOMENT = SQL("""replace(to_char(c.transaction_datetime, 'YYYY-MM-DD"T"HH24:MI:SS.MSTZH:TZM'), '.000', '')""")


def _condition(window: Window) -> Composed:
    if not window.limits:
        return SQL("{}").format(SQL("false"))
    return SQL("c.limit_id IN ({}) AND c.transaction_datetime BETWEEN {} AND {}{}").format(
        SQL(", ").join(Literal(limit.id) for limit in window.limits),
        Literal(window.start),
        Literal(window.end),
        _unseen_by(window.since),
    )


def _unseen_by(snapshot: str | None) -> Composed:
    """Entries that an earlier snapshot did not see. All of them carry its oldest running transaction's id or a higher
    one, which spares reading those before it: `consumption_written` is an index on that expression."""
    if snapshot is None:
        return Composed([])
    return SQL(
        " AND c.transaction_id::text::bigint >= {} AND NOT pg_visible_in_snapshot(c.transaction_id, {}::pg_snapshot)"
    ).format(Literal(int(snapshot.partition(":")[0])), Literal(snapshot))


def _entries(window: Window) -> Composed:
    return SQL("SELECT c.id FROM consumption_consumption c WHERE {}").format(_condition(window))


def _touched(window: Window) -> Composed:
    return SQL("SELECT DISTINCT c.counter_period_id FROM consumption_consumption c WHERE {}").format(_condition(window))


def _totals(window: Window) -> Composed:
    """The sums of all entries of the touched periods, in the window or not.

    A service day counts once however many entries it has, and no longer when all of them were withdrawn.
    """
    if not any(limit.type == "SERVICE_DAYS" for limit in window.limits):
        return SQL("{}").format(
            SQL(
                "SELECT c.counter_period_id, sum(c.amount) AS amount, sum(c.number_of_units) AS number_of_units,"
                " 0 AS service_days FROM consumption_consumption c JOIN touched USING (counter_period_id) GROUP BY 1"
            )
        )
    return SQL("{}").format(
        SQL(
            "SELECT counter_period_id, sum(amount) AS amount, sum(number_of_units) AS number_of_units,"
            " count(*) FILTER (WHERE used > 0) AS service_days FROM ("
            "SELECT c.counter_period_id, c.service_date, sum(c.amount) AS amount,"
            " sum(c.number_of_units) AS number_of_units, sum(CASE WHEN c.withdrawn THEN -1 ELSE 1 END) AS used"
            " FROM consumption_consumption c JOIN touched USING (counter_period_id) GROUP BY 1, 2"
            ") days GROUP BY 1"
        )
    )


def _as_raw_lines(statement: Composed) -> Composed:
    """COPY's text format would double backslashes; csv with a quote and a delimiter that JSON never has does not."""
    return SQL("COPY ({}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')").format(statement)


def _pass_on(buffer: bytearray, write: Callable[[bytes], None], seen: Callable[[int], None]) -> int:
    lines = buffer.count(b"\n")
    write(bytes(buffer))
    buffer.clear()
    seen(lines)
    return lines


def _plan_rows(connection: Connection[Any], statement: Composed) -> int:
    row = connection.execute(SQL("EXPLAIN (FORMAT JSON) {}").format(statement)).fetchone()
    assert row is not None
    plan = row[0] if not isinstance(row[0], str) else json.loads(row[0])
    return int(plan[0]["Plan"]["Plan Rows"])
