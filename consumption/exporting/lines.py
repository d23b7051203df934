"""NDJSON, in PostgreSQL: statements that build the JSON text themselves. Formatting a row costs least where it lies.

Free text goes through `to_json`, so that quotes, backslashes and line breaks are safe and a line break in the output
always ends a line.
"""

from __future__ import annotations

from psycopg.sql import SQL, Composed

from consumption import exports
from consumption.exports import Scope


def counter_lines(scope: Scope) -> Composed:
    """One line a counter period that the scope touches, with its total over the whole ledger of the snapshot."""
    return exports.counters(scope, _COUNTER.format(holder=_HOLDER.format(of=SQL("t"))))


def consumption_lines(scope: Scope) -> Composed:
    """One line an entry of the scope."""
    return exports.entries(scope, _CONSUMPTION.format(moment=_MOMENT, holder=_HOLDER.format(of=SQL("k"))))


def as_binary(statement: Composed) -> Composed:
    """The lines as they are, to be read as `copying.BINARY`."""
    return SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(statement)


# As JSON, with milliseconds, left out when they are zero. `to_json` takes a third of the time, but leaves out zeros at
# the end of any fraction. The only full stop in the other text is the one before the milliseconds.
_MOMENT = SQL(
    """
    CASE WHEN c.transaction_datetime = c.transaction_datetime::timestamptz(3)
              AND (c.transaction_datetime = c.transaction_datetime::timestamptz(0)
                   OR c.transaction_datetime <> c.transaction_datetime::timestamptz(2))
         THEN to_json(c.transaction_datetime)::text
         ELSE '"' || replace(to_char(c.transaction_datetime, 'YYYY-MM-DD"T"HH24:MI:SS.MSTZH:TZM'), '.000', '') || '"'
    END
    """
)
MOMENT = SQL("btrim({}, '\"')").format(_MOMENT)  # without the quotes
_HOLDER = SQL(
    """coalesce(',"person":{{"code":' || to_json({of}.person_code)::text || '}}',"""
    """ ',"familyCode":' || to_json({of}.family_code)::text)"""
)
_COUNTER = SQL(
    """
        '{{"type":"counter","id":' || t.id || ',"limitCode":' || t.json
            || ',"counterId":' || t.counter_id || ',"aggregationLevel":"' || t.aggregation_level || '"' || {holder}
            || ',"startDate":"' || t.start_date || '"' || coalesce(',"endDate":"' || t.end_date || '"', '')
            || ',"total":{{' || CASE t.type
                WHEN 'AMOUNT' THEN '"amount":{{"value":' || trim_scale(coalesce(t.value, 0))
                    || ',"currency":"' || t.currency || '"}}'
                WHEN 'UNITS' THEN '"numberOfUnits":' || trim_scale(coalesce(t.value, 0))
                ELSE '"serviceDays":' || t.service_days
            END || '}}}}'
    """
)
_CONSUMPTION = SQL(
    """
        '{{"type":"consumption","id":' || c.id || ',"limitCode":' || l.json
            || ',"counterId":' || p.counter_id || ',"counterPeriodId":' || c.counter_period_id
            || ',"transactionDateTime":{{"value":' || {moment} || '}},"serviceDate":"' || c.service_date || '"'
            || {holder}
            || coalesce(',"amount":{{"value":' || trim_scale(c.amount) || ',"currency":"' || l.currency || '"}}', '')
            || coalesce(',"numberOfUnits":' || trim_scale(c.number_of_units), '')
            || coalesce(',"provider":{{"code":' || to_json(c.provider_code)::text || '}}', '')
            || coalesce(',"externalId":' || to_json(c.external_id)::text, '')
            || coalesce(',"transactionSourceCode":' || s.json, '')
            || coalesce(',"referenceCode":' || to_json(c.reference_code)::text, '')
            || coalesce(',"description":' || to_json(c.description)::text, '')
            || CASE WHEN c.withdrawn THEN ',"withdrawn":true}}' ELSE ',"withdrawn":false}}' END
    """
)
