"""Finds the rows of a page, and looks at a bounded number of rows for it, whatever is asked and however many there are.

A conjunction of conditions in an order has no index of its own in general. What is done instead, in this order:

1. *Rare* conditions (an id, a code): few rows fit, an index finds them, and they are sorted.
2. *Walk* along the order, `SOON` rows far for each row of the page. An index serves the order, together with one
   condition that `leads` it, as `createdBy` or `status` do. The other conditions are tried on each row on the way. Only
   the rows can tell which of several conditions leads best, so each of them may.
3. *Sort*, when too little was found that way: if some condition fits at most `FEW` rows, they are looked up and sorted,
   which costs less than walking on.
4. *Walk on* with what led best: `FIRST_LOOK` rows far for the first page, which somebody waits for, and `LOOKED_AT` for
   one that a link led to, where going far at once is less work than going often.
5. Else the page ends where the walk ended: it is *short*, and `next` leads on from there. So nothing is lost, and a
   client that follows links sees every row once.

An order that begins with a column of few values, like `status`, is walked value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet

from hypermedia.every import Every, Run
from hypermedia.filters import Narrowing
from hypermedia.ordering import Order, beyond

SOON = 10  # for each row of the page
FEW = 10_000
FIRST_LOOK = 5_000
LOOKED_AT = 20_000
_BEYOND, _BEYOND_IN_VALUE = "beyond", "beyond_in_value"  # the columns of `every` that tell what lies after a position


@dataclass(frozen=True)
class Found:
    """The ids of a page's rows, or the statement that finds them.

    `stopped_at` is where the walk of a short page ended, and `skip` how many rows are to be passed over from there on.
    """

    ids: list[Any] | QuerySet[Any]
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
        if self._is_one_index:
            return Found(self._in_order(after)[skip : skip + size])
        try:
            every = self._every(after)
        except EmptyResultSet:
            return Found([])
        return _Seeking(self, every, after, size, skip).page()

    @cached_property
    def named(self) -> list[tuple[str, Narrowing]]:
        """The conditions, each with its column of `every`."""
        return [(f"c{number}", condition) for number, condition in enumerate(self.conditions)]

    @property
    def leaders(self) -> list[Narrowing | None]:
        """The conditions that an index can have before the order, or before a value and the id, each alone; None: there
        is none."""
        if self.is_by_value and len(self.order) > 2:
            return [None]
        by_value = self.order[0].column if self.is_by_value else ""
        return [one for one in self.conditions if one.leads and one.path != by_value] or [None]

    @cached_property
    def is_by_value(self) -> bool:
        """Whether the order is walked value by value of its first column."""
        first, rest = self.order[0], self.order[1:]
        has_index = len(rest) == 1 and first.descending == rest[0].descending
        is_led = not self.conditions or (len(self.conditions) == 1 and self.conditions[0].leads)
        return bool(rest and first.values) and not (has_index and is_led)

    @property
    def _is_one_index(self) -> bool:
        """Whether all that is asked for lies beside each other in one index."""
        if self.is_by_value or any(condition.is_rare for condition in self.conditions):
            return False
        tried = [one for one in self.conditions if not one.is_served_by(self.order[0].column)]
        return not tried or (len(tried) == 1 and tried[0].leads)

    def _in_order(self, after: list[Any] | None) -> QuerySet[Any]:
        conditions = [condition.q for condition in self.conditions]
        if after is not None:
            conditions.append(beyond(self.order, after))
        return self.everything.filter(*conditions).order_by(*(key.term for key in self.order)).values("pk")

    def _every(self, after: list[Any] | None) -> Every:
        fits = {name: condition.q for name, condition in self.named}
        if after is not None:
            fits[_BEYOND] = beyond(self.order, after)
        if after is not None and self.is_by_value:
            fits[_BEYOND_IN_VALUE] = beyond(self.order[1:], after[1:])
        return Every.of(self.everything, self.order, (column for one in self.conditions for column in one.index), fits)


@dataclass(frozen=True)
class _Seeking:
    """One page of a `search`, on its way."""

    search: Search
    every: Every
    after: list[Any] | None
    size: int
    skip: int

    def page(self) -> Found:
        conditions = self.search.named
        if (few := self._sorted({name: one.index for name, one in conditions if one.is_rare})) is not None:
            return few
        walks = []
        for leader in self.search.leaders:
            walked = self._walk(leader, SOON * self.size)
            if walked.stopped_at is None:
                return walked
            walks.append((len(walked.ids) - walked.skip, leader))
        found = {name: one.index for name, one in conditions if one.is_found and not one.is_rare}
        if (few := self._sorted(found)) is not None:
            return few
        _, best = max(walks, key=itemgetter(0))
        return self._walk(best, FIRST_LOOK if self.after is None else LOOKED_AT)

    def _sorted(self, few: dict[str, tuple[str, ...]]) -> Found | None:
        """All that fit, from the few that one of the conditions names: these are found before anything else is looked
        at. None when each of them names many."""
        if not few:
            return None
        others = [name for name, _ in self.search.named if name not in few]
        ids = self.every.sort(few, [*others, *self._beyond(_BEYOND)], FEW, self.size, self.skip)
        return None if ids is None else Found(ids)

    def _walk(self, leader: Narrowing | None, looked_at: int) -> Found:
        ids: list[Any] = []
        for run in self._runs(leader):
            found, stopped_at = self.every.walk(run, self.skip + self.size - len(ids), looked_at + self.skip)
            ids += found
            if len(ids) == self.skip + self.size:
                break
            if stopped_at is not None:
                return Found(ids[self.skip :], stopped_at, max(0, self.skip - len(ids)))
        return Found(ids[self.skip :])

    def _runs(self, leader: Narrowing | None) -> Iterator[Run]:
        """The whole order, or one run for each value of its first column from `after` on."""
        order = self.search.order
        if not self.search.is_by_value:
            yield self._run(order, leader, self._beyond(_BEYOND))
            return
        first, rest = order[0], order[1:]
        here, beyond_here = None if self.after is None else self.after[0], self._beyond(_BEYOND_IN_VALUE)
        for value in sorted(first.values, reverse=first.descending):
            if not beyond_here or value == here:
                yield self._run(rest, None, beyond_here, (first.column, value))
                beyond_here = []

    def _run(
        self, order: Order, leader: Narrowing | None, served: list[str], value: tuple[str, Any] | None = None
    ) -> Run:
        """What leads is one condition, a `value` of the first column with the conditions on it, both, or nothing."""
        leading = [
            name
            for name, one in self.search.named
            if one is leader or one.is_served_by(order[0].column) or (value is not None and one.path == value[0])
        ]
        tried = [name for name, _ in self.search.named if name not in leading]
        return Run(order, [*leading, *served], tried, value)

    def _beyond(self, column: str) -> list[str]:
        return [] if self.after is None else [column]
