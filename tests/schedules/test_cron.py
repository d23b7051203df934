"""Times by the local clock: once a day is once on each day, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumption.schedules.cron import broken_rules, due_after, next_due
from consumption.schedules.windows import WindowRule, window

ZONES = st.sampled_from(sorted(available_timezones()))
YEARS = st.integers(1970, 2037)
MINUTES = st.integers(0, 24 * 60 - 1)
DAY, TICK = timedelta(days=1), timedelta(milliseconds=1)


def days_of(zone: ZoneInfo, year: int) -> set[date]:
    """The days that the clock shows in a year, looked up hour by hour."""
    hours = (datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(-24, 367 * 24))
    return {day for hour in hours if (day := hour.astimezone(zone).date()).year == year}


@settings(deadline=None)
@given(ZONES, YEARS, MINUTES)
@example("Pacific/Apia", 2011, 120)  # without a 30th of December
@example("America/Sao_Paulo", 2018, 0)  # midnight in a gap
@example("America/Sao_Paulo", 2018, 23 * 60 + 30)  # 23:30 twice
@example("America/Havana", 2024, 30)
@example("Europe/Amsterdam", 2024, 150)
@example("Australia/Lord_Howe", 2024, 135)  # half an hour
@example("Africa/Monrovia", 1972, 20)  # 44 minutes and 30 seconds
@example("Pacific/Kwajalein", 1993, 600)
def test_once_a_day_is_once_on_each_day(name: str, year: int, minute: int) -> None:
    zone = ZoneInfo(name)
    begin, end = datetime(year, 1, 1, tzinfo=zone), datetime(year + 1, 1, 1, tzinfo=zone)
    expression = f"{minute % 60} {minute // 60} * * *"
    due = list(takewhile(lambda moment: moment < end, due_after(expression, name, begin.astimezone(UTC) - TICK)))
    days = [moment.astimezone(zone).date() for moment in due]
    assert len(days) == len(set(days))
    assert set(days) == days_of(zone, year)
    on_time = time(minute // 60, minute % 60)
    late = [moment for moment in due if moment.astimezone(zone).time() != on_time]
    assert len(late) <= 5, "only on days whose clock skips that time"


@settings(deadline=None)
@given(ZONES, YEARS, MINUTES, st.timedeltas(timedelta(0), timedelta(days=365)))
def test_wherever_one_begins_the_times_are_the_same(name: str, year: int, minute: int, since: timedelta) -> None:
    """What is due next does not depend on when one asks; two times are never the same or in the wrong order."""
    expression = f"{minute % 60},7 {minute // 60} * * *"
    moment = datetime(year, 1, 1, tzinfo=UTC) + since
    due = due_after(expression, name, moment)
    first, second, third = next(due), next(due), next(due)
    assert moment < first < second < third
    assert next_due(expression, name, first) == second
    assert next_due(expression, name, second) == third
    assert next_due(expression, name, first - TICK) == first


@settings(deadline=None)
@given(ZONES, YEARS, st.sampled_from([rule for rule in WindowRule if rule is not WindowRule.SINCE_LAST_SUCCESS]))
@example("Pacific/Apia", 2011, WindowRule.PREVIOUS_DAY)
def test_the_windows_of_a_year_adjoin(name: str, year: int, rule: WindowRule) -> None:
    """A run on each day: windows repeat or adjoin, and leave no millisecond out."""
    zone = ZoneInfo(name)
    runs = takewhile(
        lambda moment: moment.year <= year, due_after("0 12 * * *", name, datetime(year, 1, 1, tzinfo=UTC))
    )
    windows = sorted({window(rule, moment, zone) for moment in runs})
    assert all(one.start <= one.end for one in windows)
    assert all(before.end + TICK == after.start for before, after in pairwise(windows))
    assert all(one.start.astimezone(zone).date() <= one.end.astimezone(zone).date() for one in windows)


def test_the_previous_periods() -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    moment = datetime(2024, 4, 1, 0, 30, tzinfo=zone)  # a Monday; the clock changed the night before

    def local(rule: WindowRule) -> tuple[str, ...]:
        return tuple(end.astimezone(zone).isoformat(timespec="milliseconds") for end in window(rule, moment, zone))

    assert local(WindowRule.PREVIOUS_DAY) == ("2024-03-31T00:00:00.000+01:00", "2024-03-31T23:59:59.999+02:00")
    assert local(WindowRule.PREVIOUS_WEEK) == ("2024-03-25T00:00:00.000+01:00", "2024-03-31T23:59:59.999+02:00")
    assert local(WindowRule.PREVIOUS_MONTH) == ("2024-03-01T00:00:00.000+01:00", "2024-03-31T23:59:59.999+02:00")


def test_real_time_where_the_expression_says_each() -> None:
    """Every half hour goes on while the clock shows an hour twice."""
    since = datetime(2024, 10, 27, 0, 0, tzinfo=UTC)
    due = due_after("*/30 * * * *", "Europe/Amsterdam", since)
    assert [next(due) - since for _ in range(6)] == [timedelta(minutes=30 * n) for n in range(1, 7)]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("", "has five fields (minute, hour, day of the month, month and day of the week), not 0"),
        ("* * * *", "not 4"),
        ("0 0 2 * * *", "not 6"),
        ("61 2 * * *", "Cannot read the minute in 61 2 * * *"),
        ("0 25 * * *", "Cannot read the hour"),
        ("0 2 * * FRY", "Cannot read the day-of-week"),
        ("0 2 31 2 *", "Cannot read the day-of-month"),
        ("0 2 * * 1-", "Cannot read the day-of-week"),
        ("@daily", "not 1"),
        ("0 2 * \x00 *", "Cannot read the month"),
        ("0 ²  * * *", "Cannot read the hour"),
    ],
)
def test_what_is_wrong_is_said(expression: str, text: str) -> None:
    (broken,) = broken_rules(expression, "Europe/Amsterdam")
    assert text in broken.text
    assert broken.pointer == "/cron"


@pytest.mark.parametrize("name", ["", "CET+1", "Mars/Olympus", "../../etc/passwd", "europe", "Europe/Amsterdam\x00"])
def test_no_time_zone(name: str) -> None:
    (broken,) = broken_rules("0 2 * * *", name)
    assert broken.pointer == "/timeZone"
