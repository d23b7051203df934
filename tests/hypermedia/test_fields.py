"""Date-times as they are read and written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.serializers import ValidationError

from hypermedia.fields import DateTimeValueField, ListField, TextField, date_time, parse_date_time
from hypermedia.messages import StrictSerializer, broken_rules
from tests.api.hostile import ALLOWED_MOMENTS, MOMENTS


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2019, 2, 18, 17, 11, 51, 4_000, UTC), "2019-02-18T18:11:51.004+01:00"),
        (datetime(2019, 2, 18, 17, 11, 51, 0, UTC), "2019-02-18T18:11:51+01:00"),
        (datetime(2019, 2, 18, 17, 11, 51, 999, UTC), "2019-02-18T18:11:51+01:00"),
        (datetime(2019, 2, 18, 17, 11, 51, 500_000, UTC), "2019-02-18T18:11:51.500+01:00"),
        (datetime(2019, 7, 18, 17, 11, 51, 0, UTC), "2019-07-18T19:11:51+02:00"),
        (datetime(1, 1, 2, tzinfo=UTC), "0001-01-02T00:00:00+00:00"),  # no seconds in an offset
    ],
)
def test_shown_in_the_servers_time_zone(settings: Any, moment: datetime, shown: str) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"
    assert date_time(moment) == {"value": shown}


@pytest.mark.parametrize("text", MOMENTS, ids=lambda text: ascii(text[:40]))
def test_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_date_time(text)


@pytest.mark.parametrize("text", ALLOWED_MOMENTS)
def test_taken(text: str) -> None:
    assert parse_date_time(text).tzinfo is UTC


def test_cut_to_the_millisecond() -> None:
    assert parse_date_time("2019-02-18T18:11:51.1239Z") == datetime(2019, 2, 18, 18, 11, 51, 123_000, UTC)
    assert parse_date_time("2019-02-18T18:11:51,1+01:00") == datetime(2019, 2, 18, 17, 11, 51, 100_000, UTC)


zones = st.integers(-18 * 60, 18 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


first, last = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001  # bounds without a zone, as hypothesis wants


@hypothesis.settings(deadline=None)
@given(st.datetimes(first, last, timezones=zones))
def test_there_and_back(moment: datetime) -> None:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_date_time(date_time(cut)["value"]) == cut == parse_date_time(cut.isoformat())


class Body(StrictSerializer):
    when = DateTimeValueField(required=False)
    codes = ListField(child=TextField(max_length=3), required=False, max_length=2)


def errors_of(body: Any) -> list[tuple[str, str | None]]:
    with pytest.raises(ValidationError) as raised:
        Body().run_validation(body)
    return [(message.code, message.pointer) for message in broken_rules(raised.value.detail).messages]


def test_bodies_that_are_taken() -> None:
    assert Body().run_validation({}) == {}
    body = {"when": {"value": "2019-02-18T18:11:51Z", "timezone": None}, "codes": ["a", " b "]}
    assert Body().run_validation(body) == {"when": datetime(2019, 2, 18, 18, 11, 51, tzinfo=UTC), "codes": ["a", " b "]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, [("GEN-IP-011", "")]),
        ([], [("GEN-IP-015", "")]),
        ("x", [("GEN-IP-015", "")]),
        ({"when": None}, [("GEN-IP-011", "/when")]),
        ({"when": "2019-02-18T18:11:51Z"}, [("GEN-IP-015", "/when")]),
        ({"when": {}}, [("GEN-IP-010", "/when/value")]),
        ({"when": {"value": 1}}, [("GEN-IP-015", "/when/value")]),
        ({"when": {"value": None}}, [("GEN-IP-011", "/when/value")]),
        ({"when": {"value": "x", "zone": 1}}, [("GEN-IP-012", "/when/zone"), ("GEN-IP-015", "/when/value")]),
        ({"codes": "x"}, [("GEN-IP-015", "/codes")]),
        ({"codes": {"0": "x"}}, [("GEN-IP-015", "/codes")]),
        ({"codes": ["a", 1]}, [("GEN-IP-015", "/codes/1")]),
        ({"codes": ["", "abcd"]}, [("GEN-IP-011", "/codes/0"), ("GEN-IP-014", "/codes/1")]),
        ({"codes": [1, 2, 3]}, [("GEN-IP-014", "/codes")]),
        ({"a/b~c": 1, "": 2}, [("GEN-IP-012", "/a~1b~0c"), ("GEN-IP-012", "/")]),
        ({"non_field_errors": 1}, [("GEN-IP-012", "/non_field_errors")]),
    ],
)
def test_every_broken_rule_and_where_it_is(body: Any, expected: list[tuple[str, str]]) -> None:
    assert errors_of(body) == expected
