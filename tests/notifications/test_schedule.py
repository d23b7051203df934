"""When it is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from jobs.notifications.schedule import delay, retry_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]  # 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h


@pytest.mark.parametrize(("retries", "seconds"), list(enumerate(SECONDS)))
def test_schedule(retries: int, seconds: int) -> None:
    waits = [delay(retries) for _ in range(50)]
    assert all(wait and seconds <= wait.total_seconds() <= seconds * 1.1 for wait in waits)
    assert len(set(waits)) > 1


def test_after_nine_retries_it_is_given_up() -> None:
    assert delay(9) is None
    assert delay(9, timedelta(hours=1)) is None


def test_retry_after_only_lengthens() -> None:
    assert delay(0, timedelta(minutes=2)) == timedelta(minutes=2)
    longer = delay(8, timedelta(minutes=2))
    assert longer is not None
    assert longer >= timedelta(hours=24)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("120", timedelta(seconds=120)),
        ("99999999999999999999", timedelta(days=1)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Thu, 01 Jan 2026 00:10:00 GMT", timedelta(minutes=10)),
        ("Thu, 01 Jan 2026 00:10:00 -0000", timedelta(minutes=10)),
        ("Thu, 01 Jan 2015 00:10:00 GMT", None),
        ("Thu, 01 Jan 2099 00:10:00 GMT", timedelta(days=1)),
    ],
)
def test_header(value: str | None, expected: timedelta | None) -> None:
    assert retry_after(value, NOW) == expected


@examples(max_examples=60, deadline=None)
@given(st.text())
def test_any_header(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or timedelta(0) <= wait <= timedelta(days=1)
