"""Limit rule and service date give the period, and nothing else does."""

from __future__ import annotations

from datetime import date

import pytest

from consumption.models import Limit
from consumption.periods import period_of
from hypermedia.errors import RuleBroken


@pytest.mark.parametrize("day", [date(2024, 1, 1), date(2024, 2, 29), date(2024, 12, 31)])
def test_calendar_year(day: date) -> None:
    assert period_of(Limit.Reference.CALENDAR_YEAR, day) == (date(2024, 1, 1), date(2024, 12, 31))


@pytest.mark.parametrize("day", [date.min, date.max])
def test_calendar_year_at_the_ends_of_the_calendar(day: date) -> None:
    start, end = period_of(Limit.Reference.CALENDAR_YEAR, day)
    assert end is not None and start <= day <= end


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2024, 6, 1)])
def test_lifetime_starts_at_the_same_day_for_everybody(day: date) -> None:
    assert period_of(Limit.Reference.LIFETIME, day) == (date(1900, 1, 1), None)


def test_lifetime_does_not_reach_further_back() -> None:
    with pytest.raises(RuleBroken, match="1899-12-31 lies before"):
        period_of(Limit.Reference.LIFETIME, date(1899, 12, 31))


@pytest.mark.parametrize("reference", ["PLAN_YEAR", "ANNUAL", "SLIDING_WINDOW", "FIRST_CLAIM"])
def test_other_references_are_refused_by_name(reference: str) -> None:
    with pytest.raises(RuleBroken, match=f"{reference} are not supported yet"):
        period_of(reference, date(2024, 6, 1))
