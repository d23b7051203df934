"""Checks many rows at once in PostgreSQL, and stages those that break no rule for certain.

A row that is left over is not bad yet: `consumption.rows` reads it, which knows every rule and tells what is broken.
So this statement may be stricter than the rules, never laxer; a test holds it against them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from consumption import staging
from consumption.models import Consumption, Counter
from consumption.periods import LIFETIME_START
from consumption.posting import WORK_MEM
from consumption.shapes import FRACTION_DIGITS, INTEGER_DIGITS, longest
from consumption.staging import StagedRow
from hypermedia.parsers import MAX_DIGITS

_LAST_DAY = "9990-01-01"  # nobody's: close to the end of the calendar plan years leave it
# \u0000, a number out of range; too deep; too large.
_CANNOT_BE_LOOKED_AT = (psycopg.DataError, psycopg.errors.StatementTooComplex, psycopg.errors.ProgramLimitExceeded)


def _text(name: str) -> SQL:
    """A text at this place in the row, or NULL for anything else."""
    return SQL(f"CASE WHEN jsonb_typeof(r->'{name}') = 'string' THEN r->>'{name}' END")


def _object(name: str) -> SQL:
    """An object at this place, or NULL for anything else."""
    return SQL(f"CASE WHEN jsonb_typeof(r->'{name}') = 'object' THEN r->'{name}' END AS {name}")


def _code(name: str) -> SQL:
    """The code in the object `{"code"}`, if it has nothing else."""
    return SQL(
        f"CASE WHEN jsonb_typeof({name}->'code') = 'string' AND {name} - 'code' = '{{}}' THEN {name}->>'code' END"
    )


def _number(place: str) -> SQL:
    return SQL(f"CASE WHEN jsonb_typeof({place}) = 'number' THEN ({place})::numeric END")


def _fits(column: str, most: int | None) -> Composed:
    """The text has one character at least and `most` at most, if there is one."""
    return SQL("coalesce(char_length({}) BETWEEN 1 AND {}, true)").format(Identifier(column), Literal(most))


# Each line once as an object, then its properties as what they have to be. NULL stands for absent, null and wrong
# alike; so those that can be used are taken out of the object, and where something is left the row is left over.
# OFFSET 0 keeps PostgreSQL from writing an expression out wherever its name stands, and computing it each time.
_SCREEN = SQL(
    """
    INSERT INTO pg_temp.staged_consumption ({columns})
    WITH lines AS (
        SELECT line, content::jsonb AS r FROM pg_temp.given_line
         WHERE content IS JSON OBJECT WITH UNIQUE KEYS OFFSET 0
    ), told AS (
        SELECT line, limit_code, level, person_code, family_code, service_date::date, amount, currency,
               number_of_units, provider_code, external_id, source_code, reference_code, description, withdrawn,
               r - ARRAY['limitCode', 'aggregationLevel', 'serviceDate',
                         CASE WHEN person_code IS NOT NULL THEN 'person' END,
                         CASE WHEN family_code IS NOT NULL THEN 'familyCode' END,
                         CASE WHEN amount IS NOT NULL THEN 'amount' END,
                         CASE WHEN number_of_units IS NOT NULL THEN 'numberOfUnits' END,
                         CASE WHEN provider_code IS NOT NULL THEN 'provider' END,
                         CASE WHEN external_id IS NOT NULL THEN 'externalId' END,
                         CASE WHEN source_code IS NOT NULL THEN 'transactionSourceCode' END,
                         CASE WHEN reference_code IS NOT NULL THEN 'referenceCode' END,
                         CASE WHEN description IS NOT NULL THEN 'description' END,
                         CASE WHEN withdrawn IS NOT NULL THEN 'withdrawn' END] = '{{}}' AS is_whole
          FROM (
            SELECT line, r,
                   {limit_code} AS limit_code,
                   r->>'aggregationLevel' AS level,
                   {person} AS person_code,
                   {family} AS family_code,
                   {service_date} AS service_date,
                   CASE WHEN amount - '{{value,currency}}'::text[] = '{{}}' THEN {amount} END AS amount,
                   amount->>'currency' AS currency,
                   {number_of_units} AS number_of_units,
                   {provider} AS provider_code,
                   {external_id} AS external_id,
                   {source} AS source_code,
                   {reference} AS reference_code,
                   {description} AS description,
                   CASE WHEN jsonb_typeof(r->'withdrawn') = 'boolean' THEN (r->'withdrawn')::boolean END AS withdrawn
              FROM (
                SELECT line, r, {objects}, r->'serviceDate' AS day
                  FROM lines OFFSET 0
              ) objects OFFSET 0
          ) properties OFFSET 0
    ), dated AS (
        SELECT t.*, l.id AS limit_id, l.type, l.reference, s.id AS source_id, l.currency AS limit_currency,
               CASE l.reference
                 WHEN 'CALENDAR_YEAR' THEN date_trunc('year', service_date::timestamp)::date
                 WHEN 'PLAN_YEAR' THEN (extract(year FROM service_date)
                      - (to_char(service_date, 'MM-DD') < l.plan_year_start)::int || '-' || l.plan_year_start)::date
                 WHEN 'LIFETIME' THEN {lifetime}::date END AS start_date
          FROM told t
          JOIN consumption_limit l ON l.code = t.limit_code
          LEFT JOIN consumption_transactionsource s ON s.code = t.source_code
         WHERE is_whole AND service_date >= {lifetime}::date AND service_date < {last_day}::date
           AND l.reference IN ('CALENDAR_YEAR', 'PLAN_YEAR', 'ANNUAL', 'LIFETIME')
    )
    SELECT line, limit_id, level, person_code, family_code, start_date,
           CASE WHEN reference <> 'LIFETIME' THEN (start_date + interval '1 year')::date - 1 END,
           service_date, amount, number_of_units, provider_code, external_id, source_id, reference_code, description,
           coalesce(withdrawn, false), NULL, NULL, NULL
      FROM dated
     WHERE CASE level WHEN 'PERSON' THEN person_code IS NOT NULL AND family_code IS NULL
                      WHEN 'FAMILY' THEN family_code IS NOT NULL AND person_code IS NULL ELSE false END
       AND CASE type
             WHEN 'AMOUNT' THEN amount IS NOT NULL AND number_of_units IS NULL AND currency = limit_currency
             WHEN 'UNITS' THEN number_of_units IS NOT NULL AND amount IS NULL
             ELSE amount IS NULL AND number_of_units IS NULL END
       AND coalesce(abs(coalesce(amount, number_of_units)) < {too_large}, true)
       AND coalesce(scale(coalesce(amount, number_of_units)) <= {digits}, true)
       AND coalesce(min_scale(coalesce(amount, number_of_units)) <= {fraction}, true)
       AND (source_code IS NULL OR source_id IS NOT NULL)
       AND (reference_code IS NULL OR source_code IS NOT NULL)
       AND {lengths}
    """
).format(
    columns=SQL(", ").join(map(Identifier, StagedRow._fields)),
    objects=SQL(", ").join(map(_object, ("person", "provider", "amount"))),
    limit_code=_text("limitCode"),
    person=_code("person"),
    family=_text("familyCode"),
    # Written as we write it, so it is valid and nothing else than a date.
    service_date=SQL(
        "CASE WHEN pg_input_is_valid(day #>> '{}', 'date') AND day = to_jsonb((day #>> '{}')::date)"
        " THEN (day #>> '{}')::date END"
    ),
    amount=_number("amount->'value'"),
    number_of_units=_number("r->'numberOfUnits'"),
    provider=_code("provider"),
    external_id=_text("externalId"),
    source=_text("transactionSourceCode"),
    reference=_text("referenceCode"),
    description=_text("description"),
    lifetime=Literal(LIFETIME_START.isoformat()),
    last_day=Literal(_LAST_DAY),
    too_large=Literal(10**INTEGER_DIGITS),
    digits=Literal(MAX_DIGITS - INTEGER_DIGITS),
    fraction=Literal(FRACTION_DIGITS),
    lengths=SQL(" AND ").join(
        [
            _fits("person_code", longest(Counter, "person_code")),
            _fits("family_code", longest(Counter, "family_code")),
            _fits("provider_code", longest(Consumption, "provider_code")),
            _fits("external_id", longest(Consumption, "external_id")),
            _fits("reference_code", longest(Consumption, "reference_code")),
        ]
    ),
)


_STAGED = "SELECT line FROM pg_temp.staged_consumption"
# Compiling a statement of this size takes a hundred times as long as running it, and the planner, who takes the rows
# that pass for few, would go through all limits for each one.
_SETTINGS = """
    SELECT set_config('jit', 'off', true), set_config('enable_nestloop', 'off', true),
           set_config('work_mem', %s, true)
"""
# They would last until the end of the caller's transaction, whose look-ups need nested loops.
_AS_BEFORE = "SET LOCAL enable_nestloop TO DEFAULT"


def stage(connection: Connection[Any], lines: Sequence[int], contents: Sequence[str]) -> set[int]:
    """Stages the rows that certainly break no rule; their lines. Each content is a line of JSON, whatever is in it."""
    try:
        with connection.transaction():
            connection.execute(_SETTINGS, [WORK_MEM])
            staging.give(connection, zip(lines, contents, strict=True))
            passed = connection.execute(_SCREEN).rowcount
            connection.execute(_AS_BEFORE)
            if passed == len(lines):
                return set(lines)
            return {line for (line,) in connection.execute(_STAGED)}
    except _CANNOT_BE_LOOKED_AT:
        return set()
