"""What PostgreSQL lets pass is what the rules in Python let pass, and comes out the same."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from django.db import connection

from consumption import staging
from consumption.rows import Catalogue, read_row
from consumption.staging import StagedRow
from consumption.writing import screening
from hypermedia.errors import DomainError
from hypermedia.parsers import parse_json
from tests.consumption.inputs import units
from tests.factories import LimitFactory, TransactionSourceFactory

pytestmark = pytest.mark.django_db

# The text of one property; each list begins with what is right at least somewhere.
VALUES: dict[str, list[str]] = {
    "limitCode": [
        '"VERT"',
        '"OOPM"',
        '"DAYS"',
        '"PLAN"',
        '"ANNUAL"',
        '"LIFE"',
        '"SLIDE"',
        '"NONE"',
        "5",
        '"5"',
        "null",
    ],
    "aggregationLevel": ['"PERSON"', '"FAMILY"', '"person"', "1", "null"],
    "person": ['{"code":"P1"}', '{"code":""}', '{"code":5}', '{"code":"P","x":1}', "{}", "[]", '"P"', "null", "7"],
    "familyCode": ['"F1"', '""', "3", f'"{"F" * 61}"', "null"],
    "serviceDate": [
        *('"2024-05-01"', '"2024-07-01"', '"2024-06-30"', '"2024-02-29"', '"1900-01-01"', '"0001-01-01"'),
        *('"2023-02-29"', '"20240501"', '"2024-5-1"', '"9999-12-31"', '"٢٠٢٤-05-01"', "20240501", '"2024-05-01\\n"'),
    ],
    "amount": [
        *('{"value":1.10,"currency":"USD"}', '{"value":-0,"currency":"USD"}', '{"value":1e2,"currency":"USD"}'),
        *('{"value":1.00001,"currency":"USD"}', '{"value":1.000000,"currency":"USD"}', '{"value":1,"currency":"EUR"}'),
        *('{"value":9999999999999999.9999,"currency":"USD"}', '{"value":1e16,"currency":"USD"}', '{"value":1}'),
        *('{"value":"1","currency":"USD"}', '{"value":1,"currency":"USD","x":1}', "5", "[]", "null", '"5"'),
        '{"value":1e400,"currency":"USD"}',
    ],
    "numberOfUnits": ["1", "0.25", "-3", "1E1", "true", '"1"', "1.23456", "1e-4", "1e-5", "null", "{}"],
    "counterId": ["1", "null"],
    "startDate": ['"2024-01-01"', "null"],
    "provider": ['{"code":"C1"}', '{"code":null}', '{"code":"C","code":"D"}', "null", "[1]"],
    "externalId": ['"X1"', '""', f'"{"X" * 101}"', f'"{"🧘" * 100}"', "7", "null"],
    "description": ['"text"', '""', '"a\\u2028\\"\\\\ b"', '"\\ud800"', "null", "1"],
    "transactionSourceCode": ['"CLAIMS"', '"NONE"', "null", "[]"],
    "referenceCode": ['"R1"', '""', "null", "{}"],
    "withdrawn": ["true", "false", "null", "1", '"true"'],
    "unheard": ["1"],
}
OPTIONAL = ("counterId", "startDate", "unheard", "provider", "externalId", "description", "withdrawn")


@pytest.fixture(autouse=True)
def limits(db: None) -> None:
    for code in ("VERT", "5"):
        LimitFactory.create(code=code)
    LimitFactory.create(code="OOPM", type="AMOUNT", currency="USD")
    LimitFactory.create(code="DAYS", type="SERVICE_DAYS")
    LimitFactory.create(code="PLAN", reference="PLAN_YEAR", plan_year_start="07-01")
    LimitFactory.create(code="ANNUAL", reference="ANNUAL")
    LimitFactory.create(code="LIFE", reference="LIFETIME")
    LimitFactory.create(code="SLIDE", reference="SLIDING_WINDOW")
    TransactionSourceFactory.create(code="CLAIMS")


def made(chance: random.Random) -> str:
    """A row that is mostly right."""
    row = {name: values[0] for name, values in VALUES.items() if name not in OPTIONAL}
    row["limitCode"] = chance.choice(VALUES["limitCode"][:6])
    row["serviceDate"] = chance.choice(VALUES["serviceDate"][:5])
    del row["familyCode" if chance.random() < 0.8 else "person"]
    row["aggregationLevel"] = '"PERSON"' if "person" in row else '"FAMILY"'
    if row["limitCode"] == '"OOPM"':
        del row["numberOfUnits"]
    else:
        del row["amount"]
    if row["limitCode"] == '"DAYS"':
        del row["numberOfUnits"]
    for name in OPTIONAL[3:]:
        if chance.random() < 0.5:
            row[name] = VALUES[name][0]
    for name in chance.sample(list(VALUES), chance.choice([0, 0, 1, 1, 2])):
        row[name] = chance.choice(VALUES[name])
    for name in chance.sample(list(row), chance.choice([0, 0, 0, 1])):
        del row[name]
    return "{" + ",".join(f'"{name}":{value}' for name, value in row.items()) + "}"


def by_the_rules(line: int, content: str, catalogue: Catalogue) -> StagedRow | None:
    try:
        return read_row(line, parse_json(content.encode()), catalogue)
    except DomainError:
        return None


def screened(contents: list[str]) -> dict[int, StagedRow]:
    connection.ensure_connection()
    raw = connection.connection
    staging.take_lines(raw)
    with staging.table(raw):
        lines = screening.stage(raw, range(1, len(contents) + 1), contents)
        everything = raw.execute("SELECT * FROM pg_temp.staged_consumption ORDER BY line")
        rows = [StagedRow(*row[: len(StagedRow._fields)]) for row in everything]
    assert lines == {row.line for row in rows}
    return {row.line: row for row in rows}


def test_nothing_passes_that_the_rules_refuse_and_the_rows_are_the_same() -> None:
    chance = random.Random(4)  # noqa: S311
    contents = [made(chance) for _ in range(4000)]
    catalogue = Catalogue.current()
    passed = screened(contents)
    allowed = {line: row for line, content in enumerate(contents, 1) if (row := by_the_rules(line, content, catalogue))}
    assert {line: contents[line - 1] for line in passed.keys() - allowed.keys()} == {}
    assert {line: row for line, row in passed.items() if row != allowed[line]} == {}
    # What is written plainly passes: only pins and properties that are null go the long way.
    left_over = [contents[line - 1] for line in allowed.keys() - passed.keys()]
    plain = [content for content in left_over if "null" not in content and "counterId" not in content]
    extremes = ("startDate", "0001-01-01", "9999-12-31")
    assert [content for content in plain if not any(text in content for text in extremes)] == []
    assert len(passed) > 1000


@pytest.mark.parametrize(
    "content",
    [
        "",
        "text",
        "[]",
        "null",
        '{"limitCode":',
        '{"a":1,"a":2}',
        '{"description":"\\u0000"}',
        "[" * 10_000,
        '{"a":1e999999}',
    ],
)
def test_what_is_no_row_is_left_over(content: str) -> None:
    good = json.dumps(units())
    assert set(screened([content])) == set()
    assert set(screened([good, content, good])) in ({1, 3}, set())


def test_a_large_number_of_digits() -> None:
    row: dict[str, Any] = units(numberOfUnits=0)
    content = json.dumps(row).replace('"numberOfUnits": 0', f'"numberOfUnits": 1.{"0" * 60}')
    assert screened([content]) == {}
