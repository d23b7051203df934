"""From the staging table into the ledger: set by set, in an order in which two writers cannot block each other.

Counters first, then periods, each made or locked in the order of their keys: of two transactions that touch the same
ones the second waits, and neither fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from psycopg.sql import SQL, Composed, Identifier

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

_SETTINGS = "SELECT set_config('work_mem', %s, true), set_config('jit', 'off', true)"
_ANALYZE = "ANALYZE pg_temp.staged_consumption"
# Held until the end: while we make counters by a limit's reference, nobody changes it.
_HOLD_LIMITS = """
    SELECT id, reference FROM consumption_limit
     WHERE id IN (SELECT limit_id FROM pg_temp.staged_consumption) ORDER BY id FOR SHARE
"""
_COUNTERS = """
    INSERT INTO consumption_counter (limit_id, aggregation_level, person_code, family_code)
    SELECT DISTINCT limit_id, aggregation_level, person_code, family_code FROM pg_temp.staged_consumption
     ORDER BY limit_id, person_code, family_code
        ON CONFLICT DO NOTHING
"""
# Two joins, one on each unique index; joined by one condition with OR, each row would look at every counter.
_WITH_COUNTER = """
    pg_temp.staged_consumption s
    LEFT JOIN consumption_counter person ON person.limit_id = s.limit_id AND person.person_code = s.person_code
    LEFT JOIN consumption_counter family ON family.limit_id = s.limit_id AND family.family_code = s.family_code
"""
# Makes the periods that are missing and adds to the totals of the others: locked in the order of their keys.
_PERIODS = f"""
    INSERT INTO consumption_counterperiod AS period (counter_id, start_date, end_date, total)
    SELECT coalesce(person.id, family.id), s.start_date, s.end_date, sum(coalesce(s.amount, s.number_of_units, 0))
      FROM {_WITH_COUNTER}
     GROUP BY 1, 2, 3
     ORDER BY 1, 2
        ON CONFLICT (counter_id, start_date) DO UPDATE SET total = period.total + excluded.total
"""  # noqa: S608  made of constants, like the next ones
_WITH_PERIOD = f"""
    {_WITH_COUNTER}
    JOIN consumption_counterperiod p
      ON p.counter_id = coalesce(person.id, family.id) AND p.start_date = s.start_date
"""
# A day counts once however many entries it has, so it cannot be added up: it is counted again, under the lock.
_SERVICE_DAYS = f"""
    UPDATE consumption_counterperiod SET total = counted.days
      FROM (
        SELECT counter_period_id, count(*) FILTER (WHERE used > 0) AS days
          FROM (
            SELECT counter_period_id, service_date, sum(CASE WHEN withdrawn THEN -1 ELSE 1 END) AS used
              FROM consumption_consumption
             WHERE counter_period_id IN (
                SELECT p.id FROM {_WITH_PERIOD} WHERE s.amount IS NULL AND s.number_of_units IS NULL
             )
             GROUP BY counter_period_id, service_date
          ) each_day
         GROUP BY counter_period_id
      ) counted
     WHERE consumption_counterperiod.id = counted.counter_period_id
"""  # noqa: S608


@dataclass(frozen=True)
class Posted:
    """How many rows were written; of the periods, how many they belong to."""

    consumptions: int
    new_counters: int
    periods: int


def hold_limits() -> dict[int, str]:
    """The references, by id, of the limits that the staged rows name; fixed until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLD_LIMITS)
        return dict(cursor.fetchall())


@transaction.atomic
def post(*, also: Sequence[str] = (), tell: Callable[[str], Any] = lambda _: None) -> Posted:
    """Writes every staged row to the ledger and brings the running totals up to date.

    `also` names columns of the ledger that the staging table has in this case; `tell` hears what is being done.
    """
    with connection.cursor() as cursor:

        def run(what: str, statement: str | Composed) -> int:
            tell(what)
            cursor.execute(statement)
            return int(cursor.rowcount)

        cursor.execute(_SETTINGS, [WORK_MEM])
        cursor.execute(_ANALYZE)
        counters = run("counters", _COUNTERS)
        periods = run("counter periods", _PERIODS)
        consumptions = run("consumptions", _entries(also))
        run("service days", _SERVICE_DAYS)
    return Posted(consumptions, counters, periods)


def _entries(also: Sequence[str]) -> Composed:
    """Transaction id and date-time are left to the ledger's own defaults."""
    columns = [*ENTRY_COLUMNS, *also]
    return SQL(
        "INSERT INTO consumption_consumption (counter_period_id, {columns})"
        " SELECT p.id, {values} FROM {source} ORDER BY s.line"
    ).format(
        columns=SQL(", ").join(map(Identifier, columns)),
        values=SQL(", ").join(Identifier("s", column) for column in columns),
        source=SQL(_WITH_PERIOD),
    )
