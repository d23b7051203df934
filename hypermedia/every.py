"""The statement `every`, and the questions that are written around it.

The ORM writes one statement a page: all rows there are, with each condition as a column that is true or false. What is
asked of them is written here, as `SELECT id FROM every WHERE c0 ORDER BY id`. PostgreSQL puts a condition in the place
of its column, and finds the index for it. So a second question about the same rows costs the ORM nothing.

The texts here hold names of columns and whole numbers only: all that a client wrote is a parameter of `every`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from hypermedia.ordering import Order

_STATEMENT = "SET LOCAL enable_sort = off; WITH every AS NOT MATERIALIZED ({every}) {question}"
_AFTERWARDS = "; SET LOCAL enable_sort = on"


class _Fits(ExpressionWrapper):  # type: ignore[type-arg]  # of the stubs alone
    """A condition as a column. The ORM would make half as much again of `Case`, which says the same."""

    empty_result_set_value = False  # where nothing can fit


@dataclass(frozen=True)
class Run:
    """A part of the order that one index has: the rows that all of `served` fit, in `order`. Those that all of `tried`
    fit as well are looked for. Both name columns of `every`.

    `value`: the order's first column and what it holds, where `order` is only what follows that column.
    """

    order: Order
    served: Sequence[str]
    tried: Sequence[str]
    value: tuple[str, Any] | None = None


@dataclass(frozen=True)
class Every:
    """The statement, and the `order` of a page."""

    text: str
    parameters: Sequence[Any]
    order: Order

    @classmethod
    def of(cls, rows: QuerySet[Any], order: Order, columns: Iterable[str], conditions: Mapping[str, Q]) -> Self:
        """Raises EmptyResultSet where the ORM makes no statement, since there is nothing."""
        fits = {name: _Fits(q, BooleanField()) for name, q in conditions.items()}
        shown = dict.fromkeys([*(key.column for key in order), *columns, *fits])
        text, parameters = rows.order_by().annotate(**fits).values_list(*shown).query.sql_with_params()
        return cls(text, parameters, order)

    def walk(self, run: Run, wanted: int, at_most: int) -> tuple[list[Any], list[Any] | None]:
        """The ids of the next `wanted` rows that fit, and the position where looking ended before it had found them.

        The last row that may be looked at is read, from the index alone, only after all before it have been: PostgreSQL
        reads the parts of UNION ALL one after the other, and no further than to the LIMIT.
        """
        position = ", ".join(f'"{key.column}"' for key in self.order)
        value, values = ("", []) if run.value is None else (f'"{run.value[0]}" = %s AND ', [run.value[1]])
        rows = f"FROM every WHERE {value}{_all(run.served)} ORDER BY {_terms(run.order)} LIMIT"
        if not run.tried:
            return [one for (one,) in self._asked(f"SELECT id {rows} {wanted}", values)], None
        walk = f"SELECT * FROM (SELECT {position}, {_all(run.tried)} AS fits {rows} {at_most}) AS walked WHERE fits"  # nosec B608  # noqa: S608
        end = f"SELECT {position}, FALSE {rows} 1 OFFSET {at_most - 1}"
        question = f"SELECT * FROM (({walk} LIMIT {wanted}) UNION ALL ({end})) AS found LIMIT {wanted}"  # nosec B608  # noqa: S608
        found = self._asked(question, [*values, *values])
        ids = [row[-2] for row in found if row[-1]]  # an order ends with the id
        return ids, list(found[-1][:-1]) if len(ids) < len(found) else None

    def sort(
        self, few: Mapping[str, Sequence[str]], others: Sequence[str], at_most: int, wanted: int, skip: int
    ) -> list[Any] | None:
        """The ids of a page of those that all of `few` and `others` fit, out of the rows of the rarest of `few`; None
        when more than `at_most` rows fit each of these. Of each it tells an order that lets an index find some quickly.

        One statement, which counts them first: that takes an index alone.
        """
        rows = {name: f"FROM every WHERE {name}{_ordered(index)}" for name, index in few.items()}
        pages = ""
        for name, some in rows.items():
            fits = _all([other for other in (*few, *others) if other != name])
            page = f"SELECT id FROM (SELECT * {some} LIMIT {at_most}) AS few WHERE {fits} ORDER BY {_terms(self.order)}"  # nosec B608  # noqa: S608
            pages += f" WHEN '{name}' THEN ARRAY({page} LIMIT {wanted} OFFSET {skip})"
        found = self._asked(f"SELECT CASE rarest{pages} END FROM ({_rarest(rows, at_most)}) AS counted")  # nosec B608  # noqa: S608
        return list(found[0][0]) if found else None

    def _asked(self, question: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a statement that will not need all that it could find, so it must not sort them: PostgreSQL does
        not know where it will end. One message, which is a transaction of its own where there is none."""
        sql = _STATEMENT.format(every=self.text, question=question)
        if connection.in_atomic_block:
            sql += _AFTERWARDS
        with connection.cursor() as cursor:
            cursor.execute(sql, [*self.parameters, *parameters])
            cursor.nextset()  # past the answer to SET
            found: list[Any] = cursor.fetchall()
        return found


def _rarest(rows: Mapping[str, str], at_most: int) -> str:
    """The name of the condition that the fewest rows fit, if these are not more than `at_most`. Of a single one it is
    enough to look whether there are more."""
    if len(rows) == 1:
        [(name, some)] = rows.items()
        return f"SELECT '{name}' AS rarest WHERE NOT EXISTS (SELECT {some} LIMIT 1 OFFSET {at_most})"  # nosec B608
    counts = (
        f"(SELECT '{name}' AS rarest, count(*) AS number FROM (SELECT {some} LIMIT {at_most + 1}) AS few"  # nosec B608  # noqa: S608
        f" HAVING count(*) <= {at_most})"
        for name, some in rows.items()
    )
    return f"{' UNION ALL '.join(counts)} ORDER BY number LIMIT 1"


def _all(names: Sequence[str]) -> str:
    return " AND ".join(names) or "TRUE"


def _terms(order: Order) -> str:
    return ", ".join(f'"{key.column}" {"DESC" if key.descending else "ASC"}' for key in order)


def _ordered(columns: Sequence[str]) -> str:
    return f" ORDER BY {', '.join(columns)}" if columns else ""
