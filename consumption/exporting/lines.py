"""NDJSON, in PostgreSQL: statements that build the JSON text themselves. Formatting a row costs least where it lies.

Free text goes through `to_json`, so that quotes, backslashes and line breaks are safe and a line break in the output
always ends a line.
"""

from __future__ import annotations

from psycopg.sql import SQL, Composed

from consumption import exports
from consumption.exports import Window


def counter_lines(window: Window) -> Composed:
    """One line a counter period that the window touches, with its total over the whole ledger of the snapshot."""
    return exports.counters(window, _COUNTER.format(holder=_HOLDER.format(of=SQL("t"))))


def consumption_lines(window: Window) -> Composed:
    """One line an entry of the window."""
    return exports.entries(window, _CONSUMPTION.format(moment=MOMENT, holder=_HOLDER.format(of=SQL("k"))))


def as_raw_lines(statement: Composed) -> Composed:
    """COPY's text format would double backslashes; csv with a quote and a delimiter that JSON never has does not."""
    return SQL("COPY ({}) TO STDOUT (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')").format(statement)


# Milliseconds, left out when they are zero; the only full stop in the text is the one before them.
MOMENT = SQL("""replace(to_char(c.transaction_datetime, 'YYYY-MM-DD"T"HH24:MI:SS.MSTZH:TZM'), '.000', '')""")
_HOLDER = SQL(
    """coalesce(',"person":{{"code":' || to_json({of}.person_code)::text || '}}',"""
    """ ',"familyCode":' || to_json({of}.family_code)::text)"""
)
_COUNTER = SQL(
    """
        '{{"type":"counter","id":' || t.id || ',"limitCode":' || to_json(t.code)::text
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
            || ',"transactionDateTime":{{"value":"' || {moment} || '"}},"serviceDate":"' || c.service_date || '"'
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
