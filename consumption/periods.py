"""Which period of a counter a consumption falls in.

The limit's reference rule and the service date say it, and nothing else: so the order in which consumptions arrive
does not matter, and the same one always finds the same period.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from consumption.models import Limit
from hypermedia.errors import ResultMessage, RuleBroken

# Every lifetime starts here, before anybody insured was born: the first service date would depend on what came first.
LIFETIME_START = date(1900, 1, 1)


class Period(NamedTuple):
    """Both ends are inclusive; no end: for life."""

    start_date: date
    end_date: date | None


def period_of(reference: str, service_date: date) -> Period:
    """The period that `service_date` falls in, for a limit with this reference rule.

    Raises RuleBroken (CON-IP-016) for a rule that is not supported yet, and for a day before all lifetimes.
    """
    if reference == Limit.Reference.CALENDAR_YEAR:
        return Period(date(service_date.year, 1, 1), date(service_date.year, 12, 31))
    if reference == Limit.Reference.LIFETIME:
        if service_date < LIFETIME_START:
            text = f"A limit over the lifetime counts from {LIFETIME_START}; {service_date} lies before that."
            raise RuleBroken(ResultMessage("CON-IP-016", text, "/serviceDate"))
        return Period(LIFETIME_START, None)
    text = f"Limits with the reference {reference} are not supported yet."
    raise RuleBroken(ResultMessage("CON-IP-016", text, "/limitCode"))
