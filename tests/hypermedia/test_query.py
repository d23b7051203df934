"""The query language: what it means, what it refuses and where, and that nothing makes the parser stumble."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypermedia import query
from hypermedia.errors import RuleBroken
from hypermedia.filters import BOOLEAN, DATE, DATE_TIME, DECIMAL, INTEGER, TEXT, Field, one_of
from hypermedia.query import Condition, compiled, parse

unhurried = settings(deadline=None)  # the machine may be busy
STATUSES = ("In Progress", "Failed")
FIELDS = {
    "id": Field("id", INTEGER, sortable=True),
    "status": Field("status", one_of(*STATUSES)),
    "task.threadCode": Field("task__thread_code", TEXT),
    "amount": Field("amount", DECIMAL),
    "locked": Field("locked", BOOLEAN),
    "startDate": Field("start_date", DATE),
    "creationDate": Field("creation_date", DATE_TIME),
}


def refusal(text: str) -> str:
    with pytest.raises(RuleBroken) as refused:
        compiled(text, FIELDS)
    [message] = refused.value.messages
    assert (message.code, message.pointer) == ("GEN-IP-018", "/q")
    return message.text


def test_conditions_are_joined_by_and() -> None:
    assert parse("status.eq('Failed').and.id.gt(10)", FIELDS) == [
        Condition("status", "eq", ("Failed",)),
        Condition("id", "gt", (10,)),
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("id.in(1, -2,9223372036854775807)", (1, -2, 9223372036854775807)),
        ("amount.lte(-12.50)", (Decimal("-12.50"),)),
        ("locked.eq(true)", (True,)),
        ("locked.ne(false)", (False,)),
        ("startDate.gte('2012-05-11')", (date(2012, 5, 11),)),
        ("creationDate.lt('2019-02-18T18:11:51.004+01:00')", (datetime(2019, 2, 18, 17, 11, 51, 4000, tzinfo=UTC),)),
        ("task.threadCode.like('it''s 100\\% _( main )%')", ("it's 100\\% _( main )%",)),
        ("task.threadCode.eq('').and.id.eq(0)", ("",)),
        ("status.in('Failed','In Progress')", ("Failed", "In Progress")),
    ],
)
def test_values_are_read_by_the_field_s_kind(text: str, values: tuple[Any, ...]) -> None:
    assert parse(text, FIELDS)[0].values == values


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 1, "expected a condition like id.gt(10); found the end."),
        ("status", 1, "expected a condition like id.gt(10); found «status»."),
        ("statsu.eq('Failed')", 1, "expected one of the fields id, status, task.threadCode"),
        ("status.eq('Fialed')", 11, "expected one of 'In Progress', 'Failed'; found «'Fialed')»."),
        ("id.like('1%')", 4, "expected one of eq, ne, in, lt, lte, gt, gte for id; found «like('1%')»."),
        ("id.eq('1')", 7, "expected a whole number, like 42; found «'1')»."),
        ("id.eq(9223372036854775808)", 7, "expected a whole number"),
        ("id.eq(01)", 7, "expected a whole number"),
        ("id.eq(1,2)", 8, "expected only one value for eq; found «,2)»."),
        ("id.eq(1", 8, "expected ); found the end."),
        ("id.in()", 7, "expected a whole number, like 42; found «)»."),
        ("id.in(1;2)", 8, "expected a comma or ); found «;2)»."),
        ("id.eq(1).or.id.eq(2)", 9, "expected .and. or the end; found «.or.id.eq(2)»."),
        ("(id.eq(1))", 1, "expected a condition"),
        ("id.eq(1) ", 9, "expected .and. or the end"),
        ("id.eq(1).and.", 14, "expected a condition like id.gt(10); found the end."),
        ("task.threadCode.eq('x)", 20, "expected a text in single quotes"),
        ("task.threadCode.eq('\x00')", 20, "expected a text in single quotes"),
        ('task.threadCode.eq("x")', 20, "expected a text in single quotes"),
        ("task.threadCode.like('x\\')", 22, "expected a pattern that does not end with a backslash"),
        ("startDate.eq('2012-02-30')", 14, "expected a date in single quotes"),
        ("creationDate.eq('2012-02-03T00:00:00')", 17, "expected a date-time with an offset"),
        ("creationDate.eq('9999-12-31T23:59:59.999Z')", 17, "expected a date-time with an offset"),
        ("task__thread_code.eq('x')", 1, "expected a condition"),
        ("id.eq(" + "1" * 3000 + ")", 2001, "expected at most 2000 characters"),
        (".and.".join(["id.eq(1)"] * 21), 20 * 13 + 1, "expected at most 20 conditions"),
        ("id.in(" + ",".join("1" * 201) + ")", 6 + 400 + 1, "expected at most 200 values"),
    ],
)
def test_a_refusal_says_where_and_what_was_expected(text: str, column: int, expected: str) -> None:
    told = refusal(text)
    assert told.startswith(f"q, column {column}: {expected}")


@unhurried
@given(st.text())
def test_no_text_makes_the_parser_stumble(text: str) -> None:
    try_to_parse(text)


PIECES = st.sampled_from(
    [*FIELDS, "eq", "ne", "in", "like", "gt", ".", ".and.", "(", ")", ",", "'", "''", " ", "1", "-", "true", "\\", "%",
     "'Failed'", "'2012-05-11'", "'0001-01-01T00:00:00+18:00'", "\x00", "\ud800"]
)  # fmt: skip


@unhurried
@given(st.lists(PIECES).map("".join))
def test_no_mixture_of_its_own_words_makes_the_parser_stumble(text: str) -> None:
    try_to_parse(text)


def try_to_parse(text: str) -> None:
    try:
        compiled(text, FIELDS)
    except RuleBroken as error:
        assert error.messages[0].text.startswith("q, column ")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=20)
EARLIEST, LATEST = datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01")
MOMENTS = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
WRITTEN: dict[str, tuple[st.SearchStrategy[Any], Any]] = {
    "id": (st.integers(-(2**63), 2**63 - 1), str),
    "status": (st.sampled_from(STATUSES), quoted),
    "task.threadCode": (TEXTS, quoted),
    "locked": (st.booleans(), lambda value: str(value).lower()),
    "startDate": (st.dates(), lambda value: quoted(value.isoformat())),
    "creationDate": (MOMENTS, lambda value: quoted(value.isoformat())),
}


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(list(WRITTEN)))
    operator = draw(st.sampled_from([known for known in FIELDS[name].kind.operators if known != "like"]))
    most = 3 if operator == "in" else 1
    return Condition(name, operator, tuple(draw(st.lists(WRITTEN[name][0], min_size=1, max_size=most))))


def written(one: Condition) -> str:
    values = ",".join(WRITTEN[one.name][1](value) for value in one.values)
    return f"{one.name}.{one.operator}({values})"


@unhurried
@given(st.lists(conditions(), min_size=1, max_size=4))
def test_what_was_written_is_what_is_read(given_conditions: list[Condition]) -> None:
    assert parse(".and.".join(map(written, given_conditions)), FIELDS) == given_conditions


def test_the_documented_bounds_hold() -> None:
    assert (query.MOST_CHARACTERS, query.MOST_CONDITIONS, query.MOST_VALUES) == (2000, 20, 200)
