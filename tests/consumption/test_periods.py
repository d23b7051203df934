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
    period = period_of(Limit.Reference.CALENDAR_YEAR, day)
    assert period is not None and period.end_date is not None
    assert period.start_date <= day <= period.end_date


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2024, 6, 1)])
def test_lifetime_starts_at_the_same_day_for_everybody(day: date) -> None:
    assert period_of(Limit.Reference.LIFETIME, day) == (date(1900, 1, 1), None)


def test_lifetime_does_not_reach_further_back() -> None:
    with pytest.raises(RuleBroken, match="1899-12-31 lies before"):
        period_of(Limit.Reference.LIFETIME, date(1899, 12, 31))


@pytest.mark.parametrize("reference", ["SLIDING_WINDOW", "FIRST_CLAIM"])
def test_other_references_are_refused_by_name(reference: str) -> None:
    with pytest.raises(RuleBroken, match=f"{reference} are not supported yet"):
        period_of(reference, date(2024, 6, 1))


@pytest.mark.parametrize(
    ("day", "first"), [(date(2024, 6, 30), 2023), (date(2024, 7, 1), 2024), (date(2025, 6, 30), 2024)]
)
def test_plan_year(day: date, first: int) -> None:
    expected = (date(first, 7, 1), date(first + 1, 6, 30))
    assert period_of(Limit.Reference.PLAN_YEAR, day, "07-01") == expected


@pytest.mark.parametrize("day", [date.min, date.max])
def test_plan_year_beyond_the_calendar(day: date) -> None:
    with pytest.raises(RuleBroken, match="within the calendar"):
        period_of(Limit.Reference.PLAN_YEAR, day, "07-01")


def test_an_annual_limit_asks_the_counter() -> None:
    assert period_of(Limit.Reference.ANNUAL, date(2024, 6, 1)) is None
