"""What of the staged rows is in the ledger already, and what was expected of it otherwise. Such rows leave the table.

An entry is known again by its external id and transaction source within its limit, or, without an external id, by the
file and the line that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import Connection

from hypermedia.errors import ResultMessage

OTHER_CONTENT = "CON-IP-019"
NOT_AS_EXPECTED = "CON-IP-017"


class Refused(NamedTuple):
    """A staged row that was not written, and why."""

    line: int
    message: ResultMessage


@dataclass(frozen=True)
class Settled:
    """How many rows were in the ledger as they are, and those that are there with other content."""

    unchanged: int
    refused: list[Refused]

    def __add__(self, later: Settled) -> Settled:
        return Settled(self.unchanged + later.unchanged, [*self.refused, *later.refused])


# Everything that a client sent, what the row would be pinned to included.
_SAME = """
    (s.service_date, s.amount, s.number_of_units, s.provider_code, s.reference_code, s.description, s.withdrawn,
     s.person_code, s.family_code)
    IS NOT DISTINCT FROM
    (c.service_date, c.amount, c.number_of_units, c.provider_code, c.reference_code, c.description, c.withdrawn,
     k.person_code, k.family_code)
    AND coalesce(s.pinned_counter, k.id) = k.id
    AND coalesce(s.pinned_start, p.start_date) = p.start_date
    AND (s.pinned_end IS NULL OR s.pinned_end IS NOT DISTINCT FROM p.end_date)
"""
# LATERAL and LIMIT make it a look into the indexes for each row, which finds one entry at most. As a plain join,
# PostgreSQL reads the whole ledger for each piece of a file, for as long as it takes that for less work.
_KNOWN_BY_EXTERNAL_ID = f"""
    WITH found AS (
        SELECT s.line, known.same
          FROM pg_temp.staged_consumption s
         CROSS JOIN LATERAL (
            SELECT {_SAME} AS same
              FROM consumption_consumption c
              JOIN consumption_counterperiod p ON p.id = c.counter_period_id
              JOIN consumption_counter k ON k.id = p.counter_id
             WHERE c.limit_id = s.limit_id AND c.external_id = s.external_id
               AND c.transaction_source_id IS NOT DISTINCT FROM s.transaction_source_id
             LIMIT 1
         ) known
    ), gone AS (
        DELETE FROM pg_temp.staged_consumption s USING found WHERE s.line = found.line
    )
    SELECT count(*) FILTER (WHERE same), array_agg(line ORDER BY line) FILTER (WHERE NOT same) FROM found
"""  # noqa: S608  made of constants, like the next ones
# The lines of a piece lie close together; without the span, all that the file has brought so far would be read.
_KNOWN_BY_LINE = """
    DELETE FROM pg_temp.staged_consumption s USING consumption_consumption c
     WHERE s.external_id IS NULL AND c.input_file_id = %s AND c.input_line = s.line
       AND c.input_line BETWEEN (SELECT min(line) FROM pg_temp.staged_consumption)
                            AND (SELECT max(line) FROM pg_temp.staged_consumption)
"""
_OTHER_COUNTER = """
    DELETE FROM pg_temp.staged_consumption s
     WHERE pinned_counter IS NOT NULL AND NOT EXISTS (
        SELECT FROM consumption_counter k
         WHERE k.id = s.pinned_counter AND k.limit_id = s.limit_id
           AND (k.person_code, k.family_code) IS NOT DISTINCT FROM (s.person_code, s.family_code))
    RETURNING line, 'counterId', 'There is no counter ' || pinned_counter || ' of this limit and holder.'
"""
_OTHER_PERIOD = """
    DELETE FROM pg_temp.staged_consumption s
     WHERE pinned_start <> start_date OR (pinned_end IS NOT NULL AND pinned_end IS DISTINCT FROM end_date)
    RETURNING line, CASE WHEN pinned_start <> start_date THEN 'startDate' ELSE 'endDate' END,
              'The service date falls in the period from ' || start_date || coalesce(' to ' || end_date, ' on')
              || '; leave the property out, or give that.'
"""


def known(connection: Connection[Any], *, input_file: int | None) -> Settled:
    """Takes the rows away that the ledger has."""
    row = connection.execute(_KNOWN_BY_EXTERNAL_ID).fetchone()
    assert row is not None
    unchanged, others = row[0], row[1] or []
    if input_file is not None:
        unchanged += connection.execute(_KNOWN_BY_LINE, [input_file]).rowcount
    return Settled(unchanged, [Refused(line, other_content()) for line in others])


def other_content() -> ResultMessage:
    text = (
        "The limit has a consumption with this externalId and transaction source, but with other content. "
        "What is written never changes: a correction or withdrawal is a consumption with an externalId of its own."
    )
    return ResultMessage(OTHER_CONTENT, text, "/externalId")


def of_other_counters(connection: Connection[Any]) -> list[Refused]:
    """Takes the rows away whose `counterId` is not the counter of their limit and holder."""
    return list(_refused(connection, _OTHER_COUNTER))


def of_other_periods(connection: Connection[Any]) -> list[Refused]:
    """Takes the rows away whose `startDate` or `endDate` is not that of their period."""
    return list(_refused(connection, _OTHER_PERIOD))


def _refused(connection: Connection[Any], statement: str) -> Iterator[Refused]:
    for line, name, text in connection.execute(statement.encode()):
        yield Refused(line, ResultMessage(NOT_AS_EXPECTED, text, f"/{name}"))
