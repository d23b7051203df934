"""The export of consumptions as one plain statement, written by hand: what the service's own is compared with."""

from __future__ import annotations

from psycopg.sql import SQL, Composed, Literal

from consumption.exports import Window


def consumption_lines(window: Window) -> Composed:
    """Limit ids as literals, lines built and sorted in one go."""
    return SQL(
        """
        SELECT '{{"type":"consumption","id":' || c.id || ',"limitCode":' || to_json(l.code)::text
            || ',"counterId":' || p.counter_id || ',"counterPeriodId":' || c.counter_period_id
            || ',"transactionDateTime":{{"value":"'
            || replace(to_char(c.transaction_datetime, 'YYYY-MM-DD"T"HH24:MI:SS.MSTZH:TZM'), '.000', '')
            || '"}},"serviceDate":"' || c.service_date || '"'
            || coalesce(',"person":{{"code":' || to_json(k.person_code)::text || '}}',
                        ',"familyCode":' || to_json(k.family_code)::text)
            || coalesce(',"amount":{{"value":' || trim_scale(c.amount) || ',"currency":"' || l.currency || '"}}', '')
            || coalesce(',"numberOfUnits":' || trim_scale(c.number_of_units), '')
            || coalesce(',"provider":{{"code":' || to_json(c.provider_code)::text || '}}', '')
            || coalesce(',"externalId":' || to_json(c.external_id)::text, '')
            || coalesce(',"transactionSourceCode":' || to_json(s.code)::text, '')
            || coalesce(',"referenceCode":' || to_json(c.reference_code)::text, '')
            || coalesce(',"description":' || to_json(c.description)::text, '')
            || CASE WHEN c.withdrawn THEN ',"withdrawn":true}}' ELSE ',"withdrawn":false}}' END
          FROM consumption_consumption c
          JOIN consumption_counterperiod p ON p.id = c.counter_period_id
          JOIN consumption_counter k ON k.id = p.counter_id
          JOIN consumption_limit l ON l.id = c.limit_id
          LEFT JOIN consumption_transactionsource s ON s.id = c.transaction_source_id
         WHERE c.limit_id IN ({limits}) AND c.transaction_datetime BETWEEN {start} AND {end}
         ORDER BY c.id
        """
    ).format(
        limits=SQL(", ").join(Literal(limit.id) for limit in window.limits),
        start=Literal(window.start),
        end=Literal(window.end),
    )
