"""Which period a scheduled export is about: whole days, weeks (Monday to Sunday) or months of the local clock.

The windows of adjoining periods adjoin: both ends are inclusive, and the ledger's clock ticks in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import models

from consumption.exporting.series import OPEN_END

BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
_TICK, _DAY = timedelta(milliseconds=1), timedelta(days=1)


class WindowRule(models.TextChoices):
    PREVIOUS_DAY = "DAY", "the previous day"
    PREVIOUS_WEEK = "WEEK", "the previous week"
    PREVIOUS_MONTH = "MONTH", "the previous month"
    SINCE_LAST_SUCCESS = "SINCE", "everything new since the last success"


class Window(NamedTuple):
    """Both ends inclusive, in UTC."""

    start: datetime
    end: datetime


def window(rule: WindowRule, moment: datetime, zone: ZoneInfo, begin: datetime | None = None) -> Window:
    """The window of a run that is planned at `moment`. `begin` is where a series of exports begins."""
    if rule is WindowRule.SINCE_LAST_SUCCESS:
        return Window(begin or BEGINNING, OPEN_END)
    first_day = _FIRST_DAYS[rule]
    end_day = first_day(moment.astimezone(zone).date())
    while True:
        start_day = first_day(end_day - _DAY)
        start, end = _begin_of(start_day, zone), _begin_of(end_day, zone) - _TICK
        if end > start:
            return Window(start, end)
        end_day = start_day  # a day that the clock skipped as a whole


def _begin_of(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of a local day: midnight, or the end of the gap that midnight lies in."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


_FIRST_DAYS: dict[WindowRule, Callable[[date], date]] = {
    WindowRule.PREVIOUS_DAY: lambda day: day,
    WindowRule.PREVIOUS_WEEK: lambda day: day - day.weekday() * _DAY,
    WindowRule.PREVIOUS_MONTH: lambda day: day.replace(day=1),
}
