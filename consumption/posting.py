"""From the staging table into the ledger: set by set, in an order in which two writers cannot block each other.

Counters first, then periods, made in the order of their keys and locked in the order of their ids: of two transactions
that touch the same ones the second waits, and neither fails. What the ledger has already is not written again.

A period that exists once stays, so that rows can be given theirs before anything is locked. Only what is left without
one asks for counters and periods when the rows are written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.sql import SQL, Composed, Identifier, Literal

from consumption import settling
from consumption.settling import Refused, Settled

WORK_MEM = "64MB"
ENTRY_COLUMNS = (
    "limit_id",
    "service_date",
    "amount",
    "number_of_units",
    "provider_code",
    "external_id",
    "transaction_source_id",
    "reference_code",
    "description",
    "withdrawn",
)
_MANY = 1_000  # rows; for fewer the planner cannot go far wrong, and nothing is won by hoping

_SETTINGS = "SELECT set_config('work_mem', %s, true), set_config('jit', 'off', true)"
# A few thousand rows tell enough: with the usual target, looking at them takes as long as joining them.
_ANALYZE = "SET LOCAL default_statistics_target = 10; ANALYZE pg_temp.staged_consumption"
# How few are left without one decides how these are joined.
_ANALYZE_PERIODS = "ANALYZE pg_temp.staged_consumption (counter_period_id)"
# Held until the end: while we make counters by a limit's reference, nobody changes it.
_HOLD_LIMITS = """
    SELECT id, reference, plan_year_start FROM consumption_limit
     WHERE id IN (SELECT limit_id FROM pg_temp.staged_consumption) ORDER BY id FOR SHARE
"""
_WHAT_IS_STAGED = """
    SELECT count(*), count(*) FILTER (WHERE start_date IS NULL), count(pinned_counter),
           count(coalesce(pinned_start, pinned_end)),
           count(*) FILTER (WHERE amount IS NULL AND number_of_units IS NULL)
      FROM pg_temp.staged_consumption
"""
# Two statements, one on each unique index of counters; in one, each row would look at every counter.
_FIND_PERIODS = [
    f"""
    UPDATE pg_temp.staged_consumption s SET counter_period_id = p.id
      FROM consumption_counter k JOIN consumption_counterperiod p ON p.counter_id = k.id
     WHERE s.counter_period_id IS NULL AND k.limit_id = s.limit_id AND k.{holder} = s.{holder}
       AND p.start_date = s.start_date
    """  # noqa: S608  made of constants, like the next ones
    for holder in ("person_code", "family_code")
]
# Likewise two joins instead of one condition with OR.
_WITHOUT_PERIOD = """
    pg_temp.staged_consumption s
    LEFT JOIN consumption_counter person ON person.limit_id = s.limit_id AND person.person_code = s.person_code
    LEFT JOIN consumption_counter family ON family.limit_id = s.limit_id AND family.family_code = s.family_code
    WHERE s.counter_period_id IS NULL
"""
# The years of an annual limit begin where its counter was first used, as far as we know when we make it.
_COUNTERS = f"""
    INSERT INTO consumption_counter (limit_id, aggregation_level, person_code, family_code, first_use)
    SELECT s.limit_id, s.aggregation_level, s.person_code, s.family_code,
           CASE WHEN bool_or(s.start_date IS NULL) THEN coalesce(
               min(s.pinned_start) FILTER (
                   WHERE s.service_date >= s.pinned_start AND s.service_date < s.pinned_start + interval '1 year'),
               min(s.service_date)) END
      FROM {_WITHOUT_PERIOD} AND person.id IS NULL AND family.id IS NULL
     GROUP BY 1, 2, 3, 4
     ORDER BY 1, 3, 4
        ON CONFLICT DO NOTHING
"""  # noqa: S608
_ANNUAL_PERIODS = """
    UPDATE pg_temp.staged_consumption s
       SET start_date = (first_use + make_interval(years => past))::date,
           end_date = (first_use + make_interval(years => past + 1))::date - 1
      FROM (
        SELECT line, first_use,
               CASE WHEN first_use + make_interval(years => years) > service_date THEN years - 1 ELSE years END AS past
          FROM (
            SELECT t.line, k.first_use, t.service_date,
                   (extract(year FROM t.service_date) - extract(year FROM k.first_use))::int AS years
              FROM pg_temp.staged_consumption t
              JOIN consumption_counter k
                ON k.limit_id = t.limit_id AND k.aggregation_level = t.aggregation_level
               AND (k.person_code = t.person_code OR k.family_code = t.family_code)
             WHERE t.start_date IS NULL
          ) apart
      ) found
     WHERE s.line = found.line
"""
_PERIODS = f"""
    INSERT INTO consumption_counterperiod (counter_id, start_date, end_date, total)
    SELECT DISTINCT coalesce(person.id, family.id) AS counter_id, s.start_date, s.end_date, 0
      FROM {_WITHOUT_PERIOD}
       AND NOT EXISTS (
        SELECT FROM consumption_counterperiod p
         WHERE p.counter_id = coalesce(person.id, family.id) AND p.start_date = s.start_date)
     ORDER BY 1, 2
        ON CONFLICT DO NOTHING
"""  # noqa: S608
_LOCK_PERIODS = """
    WITH locked AS (
        SELECT id FROM consumption_counterperiod
         WHERE id IN (SELECT counter_period_id FROM pg_temp.staged_consumption)
         ORDER BY id FOR NO KEY UPDATE
    )
    SELECT count(*) FROM locked
"""
# A day counts once however many entries it has, so it cannot be added up: it is counted again, under the lock.
_SERVICE_DAYS = """
    UPDATE consumption_counterperiod SET total = counted.days
      FROM (
        SELECT counter_period_id, count(*) FILTER (WHERE used > 0) AS days
          FROM (
            SELECT counter_period_id, service_date, sum(CASE WHEN withdrawn THEN -1 ELSE 1 END) AS used
              FROM consumption_consumption
             WHERE counter_period_id IN (
                SELECT counter_period_id FROM pg_temp.staged_consumption
                 WHERE amount IS NULL AND number_of_units IS NULL
             )
             GROUP BY counter_period_id, service_date
          ) each_day
         GROUP BY counter_period_id
      ) counted
     WHERE consumption_counterperiod.id = counted.counter_period_id
"""
# Of two writers of the same external id, the second waits here for the first one's end and leaves its row out.
_UNLESS_KNOWN = SQL("ON CONFLICT DO NOTHING")


@dataclass(frozen=True)
class Posted:
    """How many rows were written, and to how many periods; how many the ledger had already; which were refused.

    `first_id` is the smallest id of the written entries.
    """

    consumptions: int = 0
    new_counters: int = 0
    periods: int = 0
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)
    first_id: int | None = None


class Staged(NamedTuple):
    """How many rows are staged, and how many of them need more than the plain way."""

    rows: int
    annual: int
    of_counters: int
    of_periods: int
    service_days: int


@dataclass(frozen=True)
class Ready:
    """What was settled without writing, and what is left in the staging table. At most so many of that are
    `without_period`."""

    settled: Settled
    staged: Staged
    without_period: int


def hold_limits(connection: Connection[Any]) -> dict[int, tuple[str, str]]:
    """(reference, start of the plan year) of the limits that the staged rows name; fixed until the transaction ends."""
    return {row[0]: (row[1], row[2]) for row in connection.execute(_HOLD_LIMITS)}


def prepare(connection: Connection[Any], *, input_file: int | None = None) -> Ready:
    """Takes the staged rows away that the ledger has, in a transaction. That may be one before that of `post`, which
    finds what came in between.

    Rows without an external id are known again by `input_file` and their line, if they come from a file.
    """
    connection.execute(_SETTINGS, [WORK_MEM])
    settled = settling.known(connection, input_file=input_file)
    row = connection.execute(_WHAT_IS_STAGED).fetchone()
    assert row is not None
    staged = Staged(*row)
    if staged.rows >= _MANY:
        connection.execute(_ANALYZE)
    found = _find_periods(connection)
    if staged.rows >= _MANY:
        connection.execute(_ANALYZE_PERIODS)
    return Ready(settled, staged, without_period=staged.rows - found)


def post(
    connection: Connection[Any],
    ready: Ready,
    *,
    input_file: int | None = None,
    also: Sequence[str] = (),
    tell: Callable[[str], Any] = lambda _: None,
) -> Posted:
    """Writes every staged row that the ledger does not have, and brings the running totals up to date.

    `also` names columns of the ledger that the staging table has in this case; `tell` hears what is being done.
    Many rows are written in the hope that none has come in since they were looked up, and none is there twice: asking
    that of each one costs a quarter more. If one has, they are looked up again and each is asked.
    """
    with connection.transaction():
        connection.execute(_SETTINGS, [WORK_MEM])
        if ready.staged.rows >= _MANY:
            with suppress(UniqueViolation), connection.transaction():
                return _post(connection, ready, _entries(input_file, also, SQL("")), tell)
            once_more = prepare(connection, input_file=input_file)
            ready = replace(once_more, settled=ready.settled + once_more.settled)
        return _post(connection, ready, _entries(input_file, also, _UNLESS_KNOWN), tell)


def _post(connection: Connection[Any], ready: Ready, entries: Composed, tell: Callable[[str], Any]) -> Posted:
    staged, unchanged = ready.staged, ready.settled.unchanged
    refused: list[Refused] = []
    if staged.of_counters:
        refused += settling.of_other_counters(connection)
    tell("counters")
    counters = connection.execute(_COUNTERS.encode()).rowcount if ready.without_period else 0
    if staged.annual:
        connection.execute(_ANNUAL_PERIODS)
    if staged.of_periods:
        refused += settling.of_other_periods(connection)
    tell("counter periods")
    if ready.without_period:
        connection.execute(_PERIODS.encode())
        _find_periods(connection)
    periods = _lock_periods(connection)
    tell("consumptions")
    written, first_id = _write(connection, entries)
    if staged.service_days:
        tell("service days")
        connection.execute(_SERVICE_DAYS)
    if left := staged.rows - written - len(refused):
        others = settling.known(connection, input_file=None).refused  # ours among the known ones
        unchanged += left - len(others)
        refused += others
    return Posted(written, counters, periods, unchanged, [*ready.settled.refused, *refused], first_id)


def _find_periods(connection: Connection[Any]) -> int:
    """Gives rows the period that the ledger has for them; how many got one."""
    return sum(connection.execute(statement.encode()).rowcount for statement in _FIND_PERIODS)


def _lock_periods(connection: Connection[Any]) -> int:
    """Locks the periods of all rows; how many they are."""
    row = connection.execute(_LOCK_PERIODS).fetchone()
    assert row is not None
    return int(row[0])


def _write(connection: Connection[Any], entries: Composed) -> tuple[int, int | None]:
    row = connection.execute(entries).fetchone()
    assert row is not None
    return row[0], row[1]


def _entries(input_file: int | None, also: Sequence[str], unless: SQL) -> Composed:
    """The entries and, of those that were new, the totals. The transaction id is the ledger's own default.

    They share one moment, taken like the default when the transaction has its id: one for each costs 5 % more.
    """
    moment = {} if "transaction_datetime" in also else {"transaction_datetime": SQL("(SELECT ledger_now())")}
    values = {name: Identifier("s", name) for name in [*ENTRY_COLUMNS, *also]} | moment
    return SQL(
        """
        WITH written AS (
            INSERT INTO consumption_consumption (counter_period_id, input_file_id, input_line, {columns})
            SELECT s.counter_period_id, CASE WHEN s.external_id IS NULL THEN {file}::bigint END,
                   CASE WHEN s.external_id IS NULL AND {file}::bigint IS NOT NULL THEN s.line END, {values}
              FROM pg_temp.staged_consumption s ORDER BY s.line
            {unless}
            RETURNING id, counter_period_id, amount, number_of_units
        ), added AS (
            UPDATE consumption_counterperiod SET total = consumption_counterperiod.total + sums.total
              FROM (SELECT counter_period_id, sum(coalesce(amount, number_of_units, 0)) AS total
                      FROM written GROUP BY 1) sums
             WHERE consumption_counterperiod.id = sums.counter_period_id AND sums.total <> 0
        )
        SELECT count(*), min(id) FROM written
        """
    ).format(
        columns=SQL(", ").join(map(Identifier, values)),
        values=SQL(", ").join(values.values()),
        file=Literal(input_file),
        unless=unless,
    )
