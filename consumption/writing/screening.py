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


def _text(place: str, most: int | None, least: int = 1) -> Composed:
    """A text at this place in the row, or NULL for anything else."""
    found = SQL(place)
    length = SQL("char_length({}) >= {}").format(_unquoted(place), Literal(least))
    if most is not None:
        length = SQL("char_length({}) BETWEEN {} AND {}").format(_unquoted(place), Literal(least), Literal(most))
    return SQL("CASE WHEN jsonb_typeof({}) = 'string' AND {} THEN {} END").format(found, length, _unquoted(place))


def _unquoted(place: str) -> SQL:
    above, _, name = place.rpartition("->")
    return SQL(f"{above}->>{name}")


def _code(name: str, most: int | None) -> Composed:
    """The code in `{"code"}`, an object of nothing else."""
    return SQL("CASE WHEN {0} = jsonb_build_object('code', {0}->'code') THEN {1} END").format(
        SQL(f"r->'{name}'"),
        _text(f"r->'{name}'->'code'", most),
    )


def _number(place: str) -> Composed:
    return SQL("CASE WHEN jsonb_typeof({}) = 'number' AND length({}) <= {} THEN ({})::numeric END").format(
        SQL(place),
        _unquoted(place),
        Literal(MAX_DIGITS),
        _unquoted(place),
    )


# Each line once as an object, then its properties as what they have to be. NULL stands for absent, null and wrong
# alike; so at the end the usable properties are counted: as many as there are, or the row is left over.
_SCREEN = SQL(
    """
    INSERT INTO pg_temp.staged_consumption ({columns})
    WITH lines AS MATERIALIZED (
        SELECT line, CASE WHEN content IS JSON OBJECT WITH UNIQUE KEYS THEN content::jsonb END AS r
          FROM pg_temp.given_line
    ), told AS MATERIALIZED (
        SELECT line,
               {limit_code} AS limit_code,
               r->>'aggregationLevel' AS level,
               {person} AS person_code,
               {family} AS family_code,
               CASE WHEN r->>'serviceDate' ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$'
                     AND pg_input_is_valid(r->>'serviceDate', 'date') THEN (r->>'serviceDate')::date
                    END AS service_date,
               CASE WHEN r->'amount' = jsonb_build_object(
                        'value', r->'amount'->'value', 'currency', r->'amount'->'currency') THEN {amount}
                    END AS amount,
               r->'amount'->>'currency' AS currency,
               {number_of_units} AS number_of_units,
               {provider} AS provider_code,
               {external_id} AS external_id,
               {source} AS source_code,
               {reference} AS reference_code,
               {description} AS description,
               CASE WHEN jsonb_typeof(r->'withdrawn') = 'boolean' THEN (r->'withdrawn')::boolean END AS withdrawn,
               (SELECT count(*) FROM jsonb_object_keys(r)) AS given
          FROM lines
         WHERE r IS NOT NULL
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
         WHERE service_date >= {lifetime}::date AND service_date < {last_day}::date
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
       AND coalesce(min_scale(coalesce(amount, number_of_units)) <= {fraction}, true)
       AND (source_code IS NULL OR source_id IS NOT NULL)
       AND (reference_code IS NULL OR source_code IS NOT NULL)
       AND given = 4 + (type <> 'SERVICE_DAYS')::int
                 + num_nonnulls(provider_code, external_id, source_code, reference_code, description, withdrawn)
    RETURNING line
    """
).format(
    columns=SQL(", ").join(map(Identifier, StagedRow._fields)),
    limit_code=_text("r->'limitCode'", None),
    person=_code("person", longest(Counter, "person_code")),
    family=_text("r->'familyCode'", longest(Counter, "family_code")),
    amount=_number("r->'amount'->'value'"),
    number_of_units=_number("r->'numberOfUnits'"),
    provider=_code("provider", longest(Consumption, "provider_code")),
    external_id=_text("r->'externalId'", longest(Consumption, "external_id")),
    source=_text("r->'transactionSourceCode'", None),
    reference=_text("r->'referenceCode'", longest(Consumption, "reference_code")),
    description=_text("r->'description'", None, least=0),
    lifetime=Literal(LIFETIME_START.isoformat()),
    last_day=Literal(_LAST_DAY),
    too_large=Literal(10**INTEGER_DIGITS),
    fraction=Literal(FRACTION_DIGITS),
)


def stage(connection: Connection[Any], lines: Sequence[int], contents: Sequence[str]) -> set[int]:
    """Stages the rows that certainly break no rule; their lines. Each content is a line of JSON, whatever is in it."""
    try:
        with connection.transaction():
            # Compiling a statement of this size takes a hundred times as long as running it.
            connection.execute("SELECT set_config('jit', 'off', true), set_config('work_mem', %s, true)", [WORK_MEM])
            staging.give(connection, zip(lines, contents, strict=True))
            return {line for (line,) in connection.execute(_SCREEN)}
    except _CANNOT_BE_LOOKED_AT:
        return set()
