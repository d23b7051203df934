"""Few entries, as NDJSON: by statements that PostgreSQL plans once in a session. COPY has no parameters, so that it is
planned each time, which takes longer than to read a hundred lines.

A plan for any values would be a guess, so it is not left to guess: it looks up each row, which is right for few, and
that there are few is counted first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from psycopg import Connection
from psycopg.sql import SQL, Composed

from consumption import exports
from consumption.exporting.copying import Block
from consumption.exporting.lines import consumption_lines, counter_lines
from consumption.exports import SMALL, Window

_LIMITS = 100  # each of them is looked up for itself


@dataclass(frozen=True)
class Parameters:
    """A scope whose values are parameters of the statements: `start`, `end`, and `limits` unless it is `every` one."""

    every: bool
    with_days: bool = False
    wide: bool = False

    @property
    def within(self) -> Composed:
        """A limit after the other, so that time and limit lead together, whatever the planner thinks of either."""
        if self.every:
            return SQL("(SELECT * FROM consumption_consumption c WHERE {})").format(self.in_time)
        return SQL(
            """
            (SELECT one.* FROM unnest(%(limits)s::bigint[]) AS asked(id) CROSS JOIN LATERAL
                (SELECT * FROM consumption_consumption c WHERE c.limit_id = asked.id AND {} OFFSET 0) AS one)
            """
        ).format(self.in_time)

    @property
    def in_time(self) -> Composed:
        return Composed([SQL("c.transaction_datetime BETWEEN %(start)s AND %(end)s")])

    @property
    def of_limits(self) -> Composed:
        return Composed([SQL("true" if self.every else "c.limit_id = ANY(%(limits)s::bigint[])")])


def read(connection: Connection[Any], window: Window) -> list[bytes] | None:
    """The lines of the counters and the consumptions of the window; None when it may have many of either."""
    if not settings.PREPARED_STATEMENTS or window.since is not None or len(window.limits) > _LIMITS:
        return None
    ids = [limit.id for limit in window.limits]
    values = {"start": window.start, "end": window.end} | ({} if window.every else {"limits": ids})
    connection.execute(_LOOKING_UP, prepare=True)
    if _count(connection, window.every, values) > SMALL:
        connection.execute(_AS_USUAL)
        return None
    return [
        line.encode() + b"\n"
        for statement in _statements(window.every, exports.has_days(window.limits))
        for [line] in connection.execute(statement, values, prepare=True)
    ]


def cut(lines: Sequence[bytes], room: Callable[[], int]) -> Iterator[Block]:
    """The lines as blocks; none has more than there is `room` for when it begins."""
    begin = 0
    while begin < len(lines):
        part = lines[begin : begin + room()]
        yield Block(b"".join(part), len(part))
        begin += len(part)


def _count(connection: Connection[Any], every: bool, values: Mapping[str, Any]) -> int:
    """How many entries, as far as one more than few."""
    row = connection.execute(_counting(every), values, prepare=True).fetchone()
    assert row is not None
    return int(row[0])


@cache
def _counting(every: bool) -> str:
    within = Parameters(every).within
    return _text(SQL("SELECT count(*) FROM (SELECT FROM {} c LIMIT {}) AS found").format(within, SMALL + 1))


@cache
def _statements(every: bool, with_days: bool) -> list[str]:
    scope = Parameters(every, with_days)
    return [_text(counter_lines(scope)), _text(consumption_lines(scope))]


def _text(statement: Composed) -> str:
    """On one line: psycopg remembers what it found in a statement, unless it is long."""
    return " ".join(line.strip() for line in statement.as_string(None).splitlines())


# A plan for any values, which looks up each row.
_PLANNER = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_LOOKING_UP = "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _PLANNER.items())
_AS_USUAL = "; ".join(f"SET LOCAL {name} TO DEFAULT" for name in _PLANNER)
