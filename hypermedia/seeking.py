"""Finds the rows of a page, and looks at a bounded number of rows for it, whatever is asked and however many there are.

A conjunction of conditions in an order has no index of its own in general. What is done instead, in this order:

1. *Rare* conditions (an id, a code): few rows fit, an index finds them, and they are sorted.
2. *Walk* along the order, `SOON` rows far. An index serves the order, together with one condition that `leads` it, as
   `createdBy` or `status` do. The other conditions are tried on each row on the way. Which of several conditions leads
   best only the rows can tell, so each of them may.
3. *Sort*, when too little was found that way: if some condition fits at most `FEW` rows, they are looked up and sorted,
   which costs less than walking on.
4. *Walk on* with what led best, `LOOKED_AT` rows far.
5. Else the page ends where the walk ended: it is *short*, and `next` leads on from there. So nothing is lost, and a
   client that follows links sees every row once.

An order that begins with a column of few values, like `status`, is walked value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, itemgetter
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value

from hypermedia.filters import Narrowing
from hypermedia.ordering import Order, beyond

SOON = 500
FEW = 10_000
LOOKED_AT = 20_000


Ids = list[Any] | QuerySet[Any]


@dataclass(frozen=True)
class Found:
    """The ids of a page's rows, or the statement that finds them.

    `stopped_at` is where the walk of a short page ended, and `skip` how many rows are to be passed over from there on.
    """

    ids: Ids
    stopped_at: list[Any] | None = None
    skip: int = 0


@dataclass(frozen=True)
class Search:
    """What to look for: of `everything`, the rows that every one of `conditions` fits, in an `order`."""

    everything: QuerySet[Any]
    conditions: Sequence[Narrowing]
    order: Order

    def page(self, size: int, *, skip: int = 0, after: list[Any] | None = None) -> Found:
        """`size` rows beyond the position `after`, without the first `skip` of them."""
        rare = [condition for condition in self.conditions if condition.is_rare]
        if (few := self._sorted(rare, size, skip, after)) is not None:
            return few
        found = [condition for condition in self.conditions if condition.is_found and not condition.is_rare]
        walks = []
        for leader in self._leaders():
            walked = self._walk(size, skip, after, leader, SOON)
            if walked.stopped_at is None:
                return walked
            walks.append((len(walked.ids) - walked.skip, leader))
        if (few := self._sorted(found, size, skip, after)) is not None:
            return few
        _, best = max(walks, key=itemgetter(0))
        return self._walk(size, skip, after, best, LOOKED_AT)

    def _sorted(self, conditions: list[Narrowing], size: int, skip: int, after: list[Any] | None) -> Found | None:
        """All that fit, from the few that one of `conditions` names: these are found before anything else is looked at.
        None when each of them names many."""
        if not conditions:
            return None
        fewest, rarest = self._rarest(conditions)
        if fewest > FEW:
            return None
        few = self.everything.filter(rarest.q).order_by(*rarest.index)
        others = [condition.q for condition in self.conditions if condition is not rarest]
        if after is not None:
            others.append(beyond(self.order, after))
        ids = _sorted_ids(few, others, self.order, size, skip)
        return None if ids is None else Found(ids)

    def _rarest(self, conditions: list[Narrowing]) -> tuple[int, Narrowing]:
        """The condition that the fewest rows fit, and how many these are at least; one statement, whose counts end
        soon. A single one is not counted here."""
        if len(conditions) == 1:
            return 0, conditions[0]
        some = [self.everything.filter(one.q).order_by(*one.index).values("pk")[: FEW + 1] for one in conditions]
        return min(zip(_counts(some), conditions, strict=True), key=itemgetter(0))

    @property
    def _is_by_value(self) -> bool:
        """Whether the order is walked value by value of its first column."""
        first, rest = self.order[0], self.order[1:]
        is_one_index = not self.conditions and len(rest) == 1 and first.descending == rest[0].descending
        return bool(rest and first.values) and not is_one_index

    def _leaders(self) -> list[Narrowing | None]:
        """The conditions that an index can have before the order, each alone; None: there is none, or a value leads."""
        leading = [condition for condition in self.conditions if condition.leads]
        return [None] if self._is_by_value or not leading else [*leading]

    def _walk(self, size: int, skip: int, after: list[Any] | None, leader: Narrowing | None, looked_at: int) -> Found:
        runs = list(self._runs(after, leader))
        if len(runs) == 1 and not runs[0].tried:
            return Found(runs[0].ordered.values("pk")[skip : skip + size])
        ids: list[Any] = []
        for run in runs:
            found, stopped_at = run.rows(skip + size - len(ids), at_most=looked_at + skip)
            ids += found
            if len(ids) == skip + size:
                break
            if stopped_at is not None:
                return Found(ids[skip:], stopped_at, max(0, skip - len(ids)))
        return Found(ids[skip:])

    def _runs(self, after: list[Any] | None, leader: Narrowing | None) -> Iterator[_Run]:
        """The whole order, or one run for each value of its first column from `after` on."""
        if not self._is_by_value:
            yield self._run(self.order, after, [leader] if leader else [])
            return
        first, rest = self.order[0], self.order[1:]
        leading = [condition for condition in self.conditions if condition.path == first.column]
        for value in sorted(first.values, reverse=first.descending):
            if after is None or value == after[0]:
                yield self._run(rest, after and after[1:], leading, value)
                after = None

    def _run(self, order: Order, after: list[Any] | None, leading: list[Narrowing], *value: Any) -> _Run:
        """What leads is a `value` of the first column with the conditions on it, or one condition, or nothing."""
        rows = self.everything.filter((self.order[0].column, value[0])) if value else self.everything
        served = [*leading, *(one for one in self.conditions if one.is_served_by(order[0].column))]
        tried = [condition for condition in self.conditions if condition not in served]
        return _Run(_beyond(rows.filter(_all(served)), order, after), tried, order, value)


@dataclass(frozen=True)
class _Run:
    """A part of the order that one index serves: `all_rows` in `order`, of which those count that `tried` fit.
    `value` stands before the positions in it."""

    all_rows: QuerySet[Any]
    tried: Sequence[Narrowing]
    order: Order
    value: tuple[Any, ...] = ()

    @property
    def ordered(self) -> QuerySet[Any]:
        return _ordered(self.all_rows, self.order)

    def rows(self, wanted: int, at_most: int) -> tuple[list[Any], list[Any] | None]:
        """The ids of the next `wanted` rows that fit, and the position where looking ended before it had found them.

        The last row that may be looked at is read, from the index alone, only after all before it have been: PostgreSQL
        reads the parts of UNION ALL one after the other, and no further than to the LIMIT.
        """
        if not self.tried:
            return list(self.ordered.values_list("pk", flat=True)[:wanted]), None
        try:
            walk, parameters = _tried(self.ordered, [condition.q for condition in self.tried], self.order)
        except EmptyResultSet:
            return [], None
        found = fetched(
            f"SELECT * FROM ((SELECT * FROM ({walk} LIMIT %s) AS walked WHERE fits LIMIT %s) UNION ALL"  # nosec B608  # noqa: S608  # the ORM's text
            f" (SELECT {_columns(self.order)}, FALSE FROM ({walk} LIMIT 1 OFFSET %s) AS ended)) AS found LIMIT %s",
            [*parameters, at_most, wanted, *parameters, at_most - 1, wanted],
        )
        ids = [row[-2] for row in found if row[-1]]  # an order ends with the id
        return ids, [*self.value, *found[-1][:-1]] if len(ids) < min(wanted, len(found)) else None


class _Fits(ExpressionWrapper):  # type: ignore[type-arg]  # of the stubs alone
    """A condition as a column. The ORM would make half as much again of `Case`, which says the same."""

    empty_result_set_value = False  # where nothing can fit


def _tried(rows: QuerySet[Any], conditions: list[Q], order: Order) -> tuple[str, tuple[Any, ...]]:
    """The statement that reads the rows' positions, each with whether it `fits`. Raises EmptyResultSet where the ORM
    makes no statement, since nothing can fit."""
    tried = rows.annotate(fits=_Fits(reduce(and_, conditions) if conditions else Value(True), BooleanField()))
    sql, parameters = tried.values_list(*(key.column for key in order), "fits").query.sql_with_params()
    return sql, parameters


def _sorted_ids(rows: QuerySet[Any], conditions: list[Q], order: Order, size: int, skip: int) -> list[Any] | None:
    """The ids of a page of those of `rows` that all `conditions` fit; None when there are more than `FEW`.

    One statement, which counts them first: that takes an index alone.
    """
    try:
        few, parameters = _tried(rows, conditions, order)
    except EmptyResultSet:
        return []
    found = fetched(
        f"SELECT number, id FROM (SELECT count(*) AS number FROM ({few} LIMIT %s) AS few) AS counted"  # nosec B608  # noqa: S608  # the ORM's text
        f" LEFT JOIN LATERAL (SELECT id FROM ({few} LIMIT %s) AS few WHERE fits AND number <= %s"
        f" ORDER BY {_terms(order)} LIMIT %s OFFSET %s) AS page ON TRUE",
        [*parameters, FEW + 1, *parameters, FEW, FEW, size, skip],
    )
    return None if found[0][0] > FEW else [one for _, one in found if one is not None]


def _columns(order: Order) -> str:
    return ", ".join(f'"{key.column}"' for key in order)


def _terms(order: Order) -> str:
    return ", ".join(f'"{key.column}" {"DESC" if key.descending else "ASC"}' for key in order)


def fetched(sql: str, parameters: Sequence[Any]) -> list[Any]:
    """The rows of a statement that will not need all that it could find, so it must not sort them: PostgreSQL does not
    know where it will end. One message, which is a transaction of its own where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_sort = off; {sql}; SET LOCAL enable_sort = on", parameters)
        cursor.nextset()  # past the answer to SET
        found: list[Any] = cursor.fetchall()
    return found


def _counts(some: list[QuerySet[Any]]) -> tuple[int, ...]:
    counts: list[str] = []
    parameters: list[Any] = []
    for rows in some:
        try:
            sql, values = rows.query.sql_with_params()
        except EmptyResultSet:  # of conditions that nothing can fit the ORM makes no statement
            counts.append("0")
            continue
        counts.append(f"(SELECT count(*) FROM ({sql}) AS fitting)")  # nosec B608  # noqa: S608  # the ORM's text
        parameters += values
    [found] = fetched(f"SELECT {', '.join(counts)}", parameters)
    return tuple(found)


def _all(conditions: Sequence[Narrowing]) -> Q:
    return reduce(and_, (condition.q for condition in conditions), Q())


def _ordered(rows: QuerySet[Any], order: Order) -> QuerySet[Any]:
    return rows.order_by(*(key.term for key in order))


def _beyond(rows: QuerySet[Any], order: Order, after: list[Any] | None) -> QuerySet[Any]:
    return rows if after is None else rows.filter(beyond(order, after))
