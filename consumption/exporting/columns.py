"""The columns of formats that have some: CSV and Parquet. Counters and consumptions are tables of their own there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from psycopg.sql import SQL, Composed

from consumption import exports
from consumption.exporting.lines import MOMENT
from consumption.exports import Scope


class Kind(Enum):
    WHOLE = auto()
    TEXT = auto()
    DECIMAL = auto()  # 20 digits, 4 of them after the point
    SUM = auto()  # of decimals: 38 digits
    DATE = auto()
    MOMENT = auto()
    FLAG = auto()


@dataclass(frozen=True)
class Column:
    """A name, the SQL of its cells (over the tables of `exports.entries` or `exports.counters`), and their kind."""

    name: str
    cell: SQL | Composed
    kind: Kind = Kind.TEXT
    required: bool = False


COUNTERS = (
    Column("id", SQL("t.id"), Kind.WHOLE, required=True),
    Column("limitCode", SQL("t.code"), required=True),
    Column("counterId", SQL("t.counter_id"), Kind.WHOLE, required=True),
    Column("aggregationLevel", SQL("t.aggregation_level"), required=True),
    Column("person", SQL("t.person_code")),
    Column("familyCode", SQL("t.family_code")),
    Column("startDate", SQL("t.start_date"), Kind.DATE, required=True),
    Column("endDate", SQL("t.end_date"), Kind.DATE),
    Column("amount", SQL("CASE t.type WHEN 'AMOUNT' THEN trim_scale(coalesce(t.value, 0)) END"), Kind.SUM),
    Column("currency", SQL("nullif(t.currency, '')")),
    Column("numberOfUnits", SQL("CASE t.type WHEN 'UNITS' THEN trim_scale(coalesce(t.value, 0)) END"), Kind.SUM),
    Column("serviceDays", SQL("CASE t.type WHEN 'SERVICE_DAYS' THEN t.service_days END"), Kind.WHOLE),
)
CONSUMPTIONS = (
    Column("id", SQL("c.id"), Kind.WHOLE, required=True),
    Column("limitCode", SQL("l.code"), required=True),
    Column("counterId", SQL("p.counter_id"), Kind.WHOLE, required=True),
    Column("counterPeriodId", SQL("c.counter_period_id"), Kind.WHOLE, required=True),
    Column("transactionDateTime", MOMENT, Kind.MOMENT, required=True),
    Column("serviceDate", SQL("c.service_date"), Kind.DATE, required=True),
    Column("person", SQL("k.person_code")),
    Column("familyCode", SQL("k.family_code")),
    Column("amount", SQL("trim_scale(c.amount)"), Kind.DECIMAL),
    Column("currency", SQL("CASE WHEN c.amount IS NOT NULL THEN l.currency END")),
    Column("numberOfUnits", SQL("trim_scale(c.number_of_units)"), Kind.DECIMAL),
    Column("provider", SQL("c.provider_code")),
    Column("externalId", SQL("c.external_id")),
    Column("transactionSourceCode", SQL("s.code")),
    Column("referenceCode", SQL("c.reference_code")),
    Column("description", SQL("c.description")),
    Column("withdrawn", SQL("CASE WHEN c.withdrawn THEN 'true' ELSE 'false' END"), Kind.FLAG, required=True),
)
# Text that a spreadsheet would run as a formula, or that looks like such a text after escaping: so that whoever takes
# one apostrophe from the front of what matches `'+[...]` has the text back.
_ESCAPED = SQL("CASE WHEN {cell} ~ '^''*[=+@\\-\\t\\r\\n＝＋－＠]' THEN '''' || {cell} ELSE {cell} END")


def counter_cells(scope: Scope, *, escaped: bool) -> Composed:
    return exports.counters(scope, _cells(COUNTERS, escaped))


def consumption_cells(scope: Scope, *, escaped: bool) -> Composed:
    return exports.entries(scope, _cells(CONSUMPTIONS, escaped))


def header(columns: Sequence[Column]) -> str:
    return ",".join(column.name for column in columns)


def as_csv(statement: Composed) -> Composed:
    """An empty text is quoted, NULL is not."""
    return SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(statement)


def _cells(columns: Sequence[Column], escaped: bool) -> Composed:
    return SQL(", ").join(
        _ESCAPED.format(cell=column.cell) if escaped and column.kind is Kind.TEXT else Composed([column.cell])
        for column in columns
    )
