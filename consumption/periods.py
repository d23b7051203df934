"""Which period of a counter a consumption falls in.

The limit's reference rule and the service date say it, and nothing else: so the order in which consumptions arrive
does not matter, and the same one always finds the same period. Only the years of an annual limit begin with the first
use of each counter, which the ledger keeps with it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from consumption.models import Limit
from hypermedia.errors import ResultMessage, RuleBroken

# Every lifetime starts here, before anybody insured was born: the first service date would depend on what came first.
LIFETIME_START = date(1900, 1, 1)


class Period(NamedTuple):
    """Both ends are inclusive; no end: for life."""

    start_date: date
    end_date: date | None


def period_of(reference: str, service_date: date, plan_year_start: str = "") -> Period | None:
    """The period that `service_date` falls in, for a limit with this reference rule; None: its counter has to be asked.

    Raises RuleBroken (CON-IP-016) for a rule that is not supported yet, and for a day that it has no period for.
    """
    if reference == Limit.Reference.CALENDAR_YEAR:
        return Period(date(service_date.year, 1, 1), date(service_date.year, 12, 31))
    if reference == Limit.Reference.PLAN_YEAR:
        return _plan_year(service_date, plan_year_start)
    if reference == Limit.Reference.ANNUAL:
        return None
    if reference == Limit.Reference.LIFETIME:
        if service_date < LIFETIME_START:
            raise _refused(f"A limit over the lifetime counts from {LIFETIME_START}; {service_date} lies before that.")
        return Period(LIFETIME_START, None)
    text = f"Limits with the reference {reference} are not supported yet."
    raise RuleBroken(ResultMessage("CON-IP-016", text, "/limitCode"))


def _plan_year(service_date: date, plan_year_start: str) -> Period:
    month, day = (int(part) for part in plan_year_start.split("-"))
    try:
        this_year = date(service_date.year, month, day)
        first = service_date.year if this_year <= service_date else service_date.year - 1
        return Period(date(first, month, day), date(first + 1, month, day) - timedelta(days=1))
    except ValueError:
        raise _refused(f"No plan year that {service_date} falls in is within the calendar.") from None


def _refused(text: str) -> RuleBroken:
    return RuleBroken(ResultMessage("CON-IP-016", text, "/serviceDate"))
