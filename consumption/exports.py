"""What an export reads: the snapshot, the limits, and the relations that every format takes its rows from.

No HTTP, no Celery, no clock. Limit ids stand in the statements as literals: joined by code, the planner misjudges the
rows and takes two to three times as long.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from psycopg import Connection
from psycopg.sql import SQL, Composed, Literal

WORK_MEM = "64MB"
_READING = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_SNAPSHOT = """
    SELECT pg_current_snapshot()::text, clock_timestamp(), set_config('TimeZone', %s, true),
           set_config('work_mem', %s, true), set_config('jit', 'off', true)
"""
SMALL = 1_000  # rows: few enough that nobody sees the progress of writing them, or how they were found
_WIDE = 0.3  # of the limits' entries: from here on it is cheaper to read all of them once than some of them twice


@dataclass(frozen=True)
class ExportedLimit:
    """What the statements need to know of a limit."""

    id: int
    code: str
    type: str
    currency: str = ""


class Scope(Protocol):
    """How the statements name what is to be exported: in SQL, over c, an entry."""

    @property
    def within(self) -> Composed:
        """A relation, to be called c: the entries to be exported."""

    @property
    def in_time(self) -> Composed:
        """Whether an entry of the limits is one of them."""

    @property
    def of_limits(self) -> Composed:
        """Whether an entry is of the limits."""

    @property
    def with_days(self) -> bool:
        """Whether some limit counts service days."""

    @property
    def wide(self) -> bool:
        """How to get there, not what is found: the window is likely to have a good part of the limits' entries."""


@dataclass(frozen=True)
class Window:
    """Which entries: transaction date-times from `start` to `end`, both inclusive, of these limits; `every`: they are
    all that the snapshot has. As a scope, its values are part of the statements.

    With `since`, an earlier snapshot, only those that it did not see: what became visible after it, whenever written.
    """

    start: datetime
    end: datetime
    limits: Sequence[ExportedLimit]
    since: str | None = None
    wide: bool = False
    every: bool = False

    @property
    def within(self) -> Composed:
        return SQL("(SELECT * FROM consumption_consumption c WHERE {} AND {})").format(self.of_limits, self.in_time)

    @property
    def in_time(self) -> Composed:
        return SQL("c.transaction_datetime BETWEEN {} AND {}{}").format(
            Literal(self.start), Literal(self.end), _unseen_by(self.since)
        )

    @property
    def of_limits(self) -> Composed:
        """No condition where it would leave nothing out: it costs each entry, and misleads the planner's guess."""
        if self.every or not self.limits:
            return Composed([SQL("true" if self.every else "false")])
        return SQL("c.limit_id IN ({})").format(SQL(", ").join(Literal(limit.id) for limit in self.limits))

    @property
    def with_days(self) -> bool:
        return has_days(self.limits)


def has_days(limits: Sequence[ExportedLimit]) -> bool:
    return any(limit.type == "SERVICE_DAYS" for limit in limits)


@dataclass(frozen=True)
class Snapshot:
    """The one state of the database that everything in an export comes from (`pg_snapshot` text, and when)."""

    text: str
    taken_at: datetime


@contextmanager
def reading(connection: Connection[Any], time_zone: str) -> Iterator[Snapshot]:
    """A read-only transaction on one snapshot; times are printed in `time_zone`."""
    with connection.transaction():
        connection.execute(_READING)
        row = connection.execute(_SNAPSHOT, [time_zone, WORK_MEM]).fetchone()
        assert row is not None
        yield Snapshot(row[0], row[1])


def find_limits(connection: Connection[Any], codes: Sequence[str] | None) -> list[ExportedLimit]:
    """The limits with these codes, or all of them, as the snapshot has them."""
    rows = connection.execute(
        "SELECT id, code, type, currency FROM consumption_limit WHERE %s::text[] IS NULL OR code = ANY(%s) ORDER BY id",
        [codes, codes],
    )
    return [ExportedLimit(*row) for row in rows]


@dataclass(frozen=True)
class Estimate:
    """What the planner expects, free of charge: how many rows for the progress bar, and whether the window is wide."""

    rows: int
    wide: bool


def estimate(connection: Connection[Any], window: Window) -> Estimate:
    """Raises nothing: a guess, however wrong, changes only how long the export takes."""

    def rows(what: str, within: Composed) -> int:
        return _plan_rows(connection, SQL("SELECT {} FROM {} c").format(SQL(what), within))

    entries = rows("c.id", window.within)
    if entries <= SMALL:
        return Estimate(2 * entries, wide=False)
    periods = rows("DISTINCT c.counter_period_id", window.within)
    of_limits = rows("c.id", SQL("(SELECT * FROM consumption_consumption c WHERE {})").format(window.of_limits))
    return Estimate(entries + periods, wide=entries >= _WIDE * of_limits)


def entries(scope: Scope, what: Composed) -> Composed:
    """SELECT of the entries of the scope, by id; `what` is made of c (entry), p, k, l and s; l and s have their codes
    as JSON too."""
    return SQL(
        """
        SELECT {what}
          FROM {within} c
          JOIN consumption_counterperiod p ON p.id = c.counter_period_id
          JOIN consumption_counter k ON k.id = p.counter_id
          JOIN ({limits}) l ON l.id = c.limit_id
          LEFT JOIN ({sources}) s ON s.id = c.transaction_source_id
         ORDER BY c.id
        """
    ).format(what=what, limits=_LIMITS, sources=_SOURCES, within=scope.within)


def counters(scope: Scope, what: Composed) -> Composed:
    """SELECT of the counter periods that the scope touches, by id; `what` is made of t.

    t is the period with its counter and limit, and has the totals over the whole ledger of the snapshot: `value` and
    `service_days`.
    """
    return SQL(
        """
        WITH {totals}, counted AS MATERIALIZED (
            SELECT t.value, t.service_days, t.entries, t.value_outside, t.service_days_within, t.first, t.last,
                   p.id, p.start_date, p.end_date, p.total, p.counter_id,
                   k.aggregation_level, k.person_code, k.family_code, k.limit_id, l.code, l.json, l.type, l.currency
              FROM totals t
              JOIN consumption_counterperiod p ON p.id = t.counter_period_id
              JOIN consumption_counter k ON k.id = p.counter_id
              JOIN ({limits}) l ON l.id = k.limit_id
        )
        SELECT {what} FROM counted t WHERE {reconciled} ORDER BY t.id
        """
    ).format(totals=_totals(scope), limits=_LIMITS, what=what, reconciled=_RECONCILED)


def _unseen_by(snapshot: str | None) -> Composed:
    """Entries that an earlier snapshot did not see. All of them carry its oldest running transaction's id or a higher
    one, which spares reading those before it: `consumption_written` is an index on that expression."""
    if snapshot is None:
        return Composed([])
    return SQL(
        " AND c.transaction_id::text::bigint >= {} AND NOT pg_visible_in_snapshot(c.transaction_id, {}::pg_snapshot)"
    ).format(Literal(int(snapshot.partition(":")[0])), Literal(snapshot))


def _totals(scope: Scope) -> Composed:
    """The CTE `totals`: of each touched period the sums of all its entries, in the window or not, and beside them what
    the window has of it, for the reconciliation.

    A narrow window looks for the periods that it touches first; a wide one goes over the limits' entries once, and
    nearly all of them are within: so what is added up twice are the others.
    A service day counts once however many entries it has, and no longer when all of them were withdrawn.
    """
    totals = _TOTALS_WITH_DAYS if scope.with_days else _TOTALS
    if scope.wide:
        return totals.format(touched=SQL(""), entries=_ALL.format(scope.of_limits), within=scope.in_time)
    touched = SQL("touched AS (SELECT DISTINCT c.counter_period_id FROM {} c),").format(scope.within)
    return totals.format(touched=touched, entries=_TOUCHED.format(scope.of_limits), within=scope.in_time)


# Behind OFFSET the planner does not see that an index has the entries period by period. For ten million of them it
# would go that way, which reads each page of the ledger again and again, rather than put sums on disk for a while.
_ALL = SQL("(SELECT * FROM consumption_consumption c WHERE {} OFFSET 0)")
_TOUCHED = SQL("(SELECT c.* FROM consumption_consumption c JOIN touched USING (counter_period_id) WHERE {})")
_TOTALS = SQL(
    """
    {touched} totals AS (
        SELECT c.counter_period_id, sum(coalesce(c.amount, c.number_of_units)) AS value, 0 AS service_days,
               count(*) FILTER (WHERE {within}) AS entries,
               sum(coalesce(c.amount, c.number_of_units)) FILTER (WHERE NOT ({within})) AS value_outside,
               0 AS service_days_within,
               min(c.transaction_datetime) FILTER (WHERE {within}) AS first,
               max(c.transaction_datetime) FILTER (WHERE {within}) AS last
          FROM {entries} c
         GROUP BY 1
        HAVING count(*) FILTER (WHERE {within}) > 0
    )
    """
)
_TOTALS_WITH_DAYS = SQL(
    """
    {touched} days AS (
        SELECT c.counter_period_id, c.service_date, sum(coalesce(c.amount, c.number_of_units)) AS value,
               sum(CASE WHEN c.withdrawn THEN -1 ELSE 1 END) AS used,
               count(*) FILTER (WHERE {within}) AS entries,
               sum(coalesce(c.amount, c.number_of_units)) FILTER (WHERE NOT ({within})) AS value_outside,
               sum(CASE WHEN c.withdrawn THEN -1 ELSE 1 END) FILTER (WHERE {within}) AS used_within,
               min(c.transaction_datetime) FILTER (WHERE {within}) AS first,
               max(c.transaction_datetime) FILTER (WHERE {within}) AS last
          FROM {entries} c
         GROUP BY 1, 2
    ), totals AS (
        SELECT counter_period_id, sum(value) AS value, count(*) FILTER (WHERE used > 0) AS service_days,
               sum(entries) AS entries, sum(value_outside) AS value_outside,
               count(*) FILTER (WHERE used_within > 0) AS service_days_within, min(first) AS first, max(last) AS last
          FROM days
         GROUP BY 1
        HAVING sum(entries) > 0
    )
    """
)
# Works out the reconciliation over the same rows, in the statement that prints them: an uncorrelated subquery, so it
# runs once. A variable of the transaction carries it past COPY, which brings nothing but rows.
RECONCILIATION = "tallyport.reconciliation"
_RECONCILED = SQL(
    """
    (SELECT set_config('tallyport.reconciliation', coalesce(json_agg(of_limit)::text, '[]'), true) FROM (
        SELECT limit_id, sum(entries) AS consumptions, count(*) AS counters,
               (coalesce(sum(value), 0) - coalesce(sum(value_outside), 0))::text AS value,
               sum(service_days_within) AS service_days,
               min(first) AS first, max(last) AS last,
               count(*) FILTER (
                   WHERE total <> CASE type WHEN 'SERVICE_DAYS' THEN service_days ELSE coalesce(value, 0) END
               ) AS mismatches
          FROM counted
         GROUP BY limit_id
    ) of_limit) IS NOT NULL
    """
)
# Grouped, PostgreSQL makes each JSON text once instead of once a row, and still reads with its parallel workers.
_LIMITS = SQL("SELECT id, code, type, currency, to_json(code)::text AS json FROM consumption_limit GROUP BY id")
_SOURCES = SQL("SELECT id, code, to_json(code)::text AS json FROM consumption_transactionsource GROUP BY id")


def _plan_rows(connection: Connection[Any], statement: Composed) -> int:
    row = connection.execute(SQL("EXPLAIN (FORMAT JSON) {}").format(statement)).fetchone()
    assert row is not None
    plan = row[0] if not isinstance(row[0], str) else json.loads(row[0])
    return int(plan[0]["Plan"]["Plan Rows"])
