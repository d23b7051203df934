"""Sample data of any size, made in PostgreSQL: the same number gives the same rows, on any machine and any day.

Row `n` takes everything from its number. Every 50th takes back the row seven before it (`withdrawn`), and halfway
between, a row corrects the one seven before it by a quarter: such a row has the substance of its `origin`, and a moment
and an external id of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from consumption import limits, posting, staging
from consumption.foreign_keys import checked_at_the_end
from consumption.limits import LimitDefinition, SourceDefinition
from consumption.models import Counter, Limit, TransactionSource
from consumption.periods import LIFETIME_START
from consumption.posting import Posted
from consumption.staging import StagedRow
from hypermedia.errors import Conflict

LIMITS = [
    LimitDefinition("VERT", "UNITS", "CALENDAR_YEAR", "", "Manual therapy of the spine, units per calendar year"),
    LimitDefinition("VISITS", "UNITS", "CALENDAR_YEAR", "", "Charged procedures, units per calendar year"),
    LimitDefinition("OOPM", "AMOUNT", "CALENDAR_YEAR", "USD", "Out-of-pocket maximum per calendar year"),
    LimitDefinition("PAID", "AMOUNT", "LIFETIME", "USD", "Paid amounts over the lifetime"),
    LimitDefinition("PLAN2", "AMOUNT", "CALENDAR_YEAR", "USD", "Amounts passed to a second payer per calendar year"),
]
# Of 100 rows, VERT gets the first 40, VISITS those up to 65, and so on; OOPM is also counted for families.
SHARES = [40, 65, 80, 95]
SOURCES = [
    SourceDefinition("SYNTHEA", "Claims of synthetic patients"),
    SourceDefinition("CLAIMS", "Claims adjudication"),
]
TABLES = ["consumption_counter", "consumption_counterperiod", "consumption_consumption"]
FIRST_PERSON = "SAMPLE-P000001"  # always has a counter of VERT: where it is, the sample is
ROWS_OF_A_PERSON = 100
PERSONS_OF_A_FAMILY = 3

# The first rows are all of VERT, in and around the second that the protocol's example asks for, two on either end.
OCTOBER_1970 = [
    "1970-10-10 13:04:41.500+00",
    "1970-10-11 13:04:40.999+00",
    "1970-10-11 13:04:41.000+00",
    "1970-10-11 13:04:41.000+00",
    "1970-10-11 13:04:41.250+00",
    "1970-10-11 13:04:41.999+00",
    "1970-10-11 13:04:42.001+00",
    "1970-10-11 13:04:42.508+00",
    "1970-10-11 13:04:42.509+00",
    "1970-10-11 13:04:42.509+00",
    "1970-10-11 13:04:42.510+00",
    "1970-10-12 13:04:41.500+00",
]
# The others follow each other evenly, in milliseconds from the first moment on.
FIRST_MOMENT = "2019-01-01 00:00:00+00"
SPAN_MS = 2738 * 24 * 3600 * 1000  # until the end of June 2026
# What trips up whoever writes JSON, CSV or HTML by hand.
DESCRIPTIONS = [
    "Manual therapy",
    'Therapy "as agreed"',
    "Müller & Söhne, Zürich",
    "C:\\claims\\2019",
    "first line\nsecond line",
    "tab\there",
    "=SUM(A1:A9)",
    "Rückenübung 🧘 für zwei",
    "line\u2028separator",
    "</script><b>not bold</b>",
    "'; DROP TABLE consumption; --",
    "背骨の治療",
]


def _pick(number: str, what: int, choices: str | int) -> str:
    """SQL for one of 0 to `choices - 1`: drawn by the number, differently for each `what`.

    Hash partitioning relies on this function, so its results are the same on every machine and in every version.
    """
    return f"mod(hashint8extended({number}, {what}) & 9223372036854775807, {choices})"


def _moment(number: str) -> str:
    """SQL for the transaction date-time of a row."""
    early = "cardinality(%(early)s::timestamptz[])"
    return f"""(CASE WHEN {number} <= {early} THEN (%(early)s::timestamptz[])[{number}]
        ELSE timestamptz %(first_moment)s + interval '1 millisecond' * (
            ({number} - {early} - 1) * %(step)s + {_pick(number, 1, "%(step)s")}) END)"""


_STAGE = f"""
INSERT INTO pg_temp.staged_consumption ({", ".join(StagedRow._fields)}, transaction_datetime)
WITH numbered AS (
    SELECT n, CASE WHEN mod(n, 25) = 0 THEN n - 7 ELSE n END AS origin,
           mod(n, 50) = 0 AS withdrawn, mod(n, 50) = 25 AS corrects
      FROM generate_series(1, %(rows)s::bigint) AS n
), drawn AS MATERIALIZED (
    SELECT *,
           CASE WHEN origin <= cardinality(%(early)s::timestamptz[]) THEN 1
                ELSE 1 + width_bucket({_pick("origin", 2, 100)}, %(shares)s::bigint[]) END AS which,
           CASE WHEN origin <= %(persons)s THEN origin ELSE 1 + {_pick("origin", 3, "%(persons)s")} END AS person,
           {_moment("n")} AS moment,
           ({_moment("origin")} AT TIME ZONE 'UTC')::date - {_pick("origin", 4, 60)}::integer AS service_date,
           CASE WHEN {_pick("origin", 5, 10)} = 0 THEN 0.5 ELSE 1 + {_pick("origin", 5, 3)} END AS units,
           (500 + {_pick("origin", 6, 30000)}) / 100.0 AS amount,
           1 + {_pick("origin", 7, 2)} AS source
      FROM numbered
), told AS (
    SELECT *,
           (%(limit_codes)s::text[])[which] = 'OOPM' AND {_pick("origin", 8, 3)} = 0 AS for_family,
           (%(references)s::text[])[which] = 'LIFETIME' AS for_life,
           (%(types)s::text[])[which] = 'AMOUNT' AS in_money,
           CASE WHEN {_pick("origin", 9, 6)} > 0 THEN (%(source_ids)s::bigint[])[source] END AS source_id,
           CASE WHEN withdrawn THEN -1 WHEN corrects THEN -0.25 ELSE 1 END AS sign
      FROM drawn
)
SELECT n,
       (%(limit_ids)s::bigint[])[which],
       CASE WHEN for_family THEN 'FAMILY' ELSE 'PERSON' END,
       CASE WHEN NOT for_family THEN 'SAMPLE-P' || lpad(person::text, 6, '0') END,
       CASE WHEN for_family THEN 'SAMPLE-F' || lpad((1 + (person - 1) / {PERSONS_OF_A_FAMILY})::text, 6, '0') END,
       CASE WHEN for_life THEN %(lifetime_start)s ELSE make_date(extract(year FROM service_date)::integer, 1, 1) END,
       CASE WHEN NOT for_life THEN make_date(extract(year FROM service_date)::integer, 12, 31) END,
       service_date,
       CASE WHEN in_money THEN round(sign * amount, 2) END,
       CASE WHEN NOT in_money THEN sign * units END,
       CASE WHEN {_pick("origin", 10, 8)} > 0 THEN 'SAMPLE-C' || lpad({_pick("origin", 11, 97)}::text, 3, '0') END,
       CASE WHEN {_pick("n", 12, 10)} > 0 THEN 'SAMPLE-' || lpad(n::text, 9, '0') END,
       source_id,
       CASE WHEN source_id IS NOT NULL THEN 'CLAIM-' || lpad(origin::text, 9, '0') END,
       (%(descriptions)s::text[])[1 + {_pick("n", 13, "cardinality(%(descriptions)s::text[]) + 4")}],
       withdrawn,
       NULL::bigint, NULL::date, NULL::date,
       moment
  FROM told
"""  # noqa: S608  made of constants


def is_there() -> bool:
    """Whether the ledger holds a sample, of whatever size."""
    return Counter.objects.filter(limit__code=LIMITS[0].code, person_code=FIRST_PERSON).exists()


@transaction.atomic
def make(*, rows: int, tell: Callable[[str], Any] = lambda _: None) -> Posted:
    """Adds `rows` consumptions with their limits, sources, counters and periods; `tell` hears what is being done.

    Transaction date-times are made up, so nobody may rely on windows that were exported before.
    Raises Conflict when there is a sample already, RuleBroken when a limit of the same code is another one.
    """
    limits.store(limits=LIMITS, sources=SOURCES)  # from here on, a second one waits
    if is_there():
        raise Conflict("The sample data is there already; nothing was changed.")
    raw = connection.connection
    with (
        checked_at_the_end(*TABLES),
        connection.wrap_database_errors,
        staging.table(raw),
        connection.cursor() as cursor,
    ):
        tell("rows")
        cursor.execute("ALTER TABLE pg_temp.staged_consumption ADD COLUMN transaction_datetime timestamptz NOT NULL")
        cursor.execute(_STAGE, _parameters(rows))
        posted = posting.post(raw, posting.prepare(raw), also=["transaction_datetime"], tell=tell)
        # A new table without statistics misleads the planner until autovacuum comes by, a minute later.
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")
        tell("foreign keys")
    return posted


def _parameters(rows: int) -> dict[str, Any]:
    limit_ids = dict(Limit.objects.values_list("code", "pk"))
    source_ids = dict(TransactionSource.objects.values_list("code", "pk"))
    return {
        "rows": rows,
        "persons": -(-rows // ROWS_OF_A_PERSON),
        "step": max(1, SPAN_MS // max(1, rows - len(OCTOBER_1970))),
        "early": OCTOBER_1970,
        "first_moment": FIRST_MOMENT,
        "shares": SHARES,
        "limit_ids": [limit_ids[limit.code] for limit in LIMITS],
        "limit_codes": [limit.code for limit in LIMITS],
        "references": [limit.reference for limit in LIMITS],
        "types": [limit.type for limit in LIMITS],
        "source_ids": [source_ids[source.code] for source in SOURCES],
        "lifetime_start": LIFETIME_START,
        "descriptions": DESCRIPTIONS,
    }
