"""Every rule that one consumption can break, each with its code and its place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from consumption.rows import Catalogue, KnownLimit, read_row
from hypermedia.errors import RuleBroken

LIMITS = [
    KnownLimit(1, "VERT", "UNITS", "", "CALENDAR_YEAR"),
    KnownLimit(2, "OOPM", "AMOUNT", "USD", "CALENDAR_YEAR"),
    KnownLimit(3, "DAYS", "SERVICE_DAYS", "", "LIFETIME"),
    KnownLimit(4, "SLIDE", "UNITS", "", "SLIDING_WINDOW"),
]
CATALOGUE = Catalogue({limit.code: limit for limit in LIMITS}, {"CLAIMS": 7})

UNITS = {
    "limitCode": "VERT",
    "aggregationLevel": "PERSON",
    "person": {"code": "P1"},
    "serviceDate": "2024-02-29",
    "numberOfUnits": 2,
}
AMOUNT = {
    "limitCode": "OOPM",
    "aggregationLevel": "FAMILY",
    "familyCode": "F1",
    "serviceDate": "2024-02-29",
    "amount": {"value": Decimal("-12.34"), "currency": "USD"},
}
DAY = {"limitCode": "DAYS", "aggregationLevel": "PERSON", "person": {"code": "P1"}, "serviceDate": "2024-02-29"}


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def broken(row: Any) -> set[tuple[str, str | None]]:
    """(code, pointer) of every rule that the row breaks."""
    with pytest.raises(RuleBroken) as caught:
        read_row(1, row, CATALOGUE)
    return {(message.code, message.pointer) for message in caught.value.messages}


def test_units() -> None:
    row = read_row(5, UNITS, CATALOGUE)
    assert (row.line, row.limit_id, row.aggregation_level, row.person_code, row.family_code) == (
        5,
        1,
        "PERSON",
        "P1",
        None,
    )
    assert (row.start_date, row.end_date, row.service_date) == (date(2024, 1, 1), date(2024, 12, 31), date(2024, 2, 29))
    assert (row.number_of_units, row.amount, row.withdrawn) == (Decimal(2), None, False)


def test_amount_of_a_family_with_everything() -> None:
    rest = {
        "provider": {"code": "C1"},
        "externalId": "X1",
        "description": "",
        "transactionSourceCode": "CLAIMS",
        "referenceCode": "R1",
        "withdrawn": True,
    }
    row = read_row(1, AMOUNT | rest, CATALOGUE)
    assert (row.family_code, row.person_code, row.amount) == ("F1", None, Decimal("-12.34"))
    assert row[10:16] == ("C1", "X1", 7, "R1", "", True)


def test_service_day_of_a_lifetime() -> None:
    row = read_row(1, DAY, CATALOGUE)
    assert (row.start_date, row.end_date, row.amount, row.number_of_units) == (date(1900, 1, 1), None, None, None)


def test_null_is_the_same_as_absent() -> None:
    nulls = dict.fromkeys(["familyCode", "amount", "provider", "externalId", "description", "withdrawn", "counterId"])
    assert read_row(1, UNITS | nulls, CATALOGUE) == read_row(1, UNITS, CATALOGUE)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("text", ("GEN-IP-015", "")),
        (None, ("GEN-IP-015", "")),
        (UNITS | {"limitcode": "VERT"}, ("GEN-IP-012", "/limitcode")),
        (UNITS | {"a/b~c": 1}, ("GEN-IP-012", "/a~1b~0c")),
        (without(UNITS, "limitCode"), ("GEN-IP-010", "/limitCode")),
        (UNITS | {"limitCode": "NONE"}, ("CON-IP-002", "/limitCode")),
        (UNITS | {"limitCode": 1}, ("GEN-IP-015", "/limitCode")),
        (without(UNITS, "aggregationLevel"), ("GEN-IP-010", "/aggregationLevel")),
        (UNITS | {"aggregationLevel": "person"}, ("GEN-IP-013", "/aggregationLevel")),
        (UNITS | {"aggregationLevel": ["PERSON"]}, ("GEN-IP-013", "/aggregationLevel")),
        (without(UNITS, "person"), ("GEN-IP-010", "/person")),
        (UNITS | {"person": "P1"}, ("GEN-IP-015", "/person")),
        (UNITS | {"person": {}}, ("GEN-IP-010", "/person/code")),
        (UNITS | {"person": {"code": ""}}, ("GEN-IP-011", "/person/code")),
        (UNITS | {"person": {"code": "P" * 61}}, ("GEN-IP-014", "/person/code")),
        (UNITS | {"person": {"code": "P1", "name": "Ann"}}, ("GEN-IP-012", "/person/name")),
        (UNITS | {"familyCode": "F1"}, ("CON-IP-011", "/familyCode")),
        (without(AMOUNT, "familyCode"), ("GEN-IP-010", "/familyCode")),
        (AMOUNT | {"person": {"code": "P1"}}, ("CON-IP-011", "/person")),
        (without(UNITS, "serviceDate"), ("GEN-IP-010", "/serviceDate")),
        (UNITS | {"serviceDate": "2023-02-29"}, ("GEN-IP-015", "/serviceDate")),
        (UNITS | {"serviceDate": "20240229"}, ("GEN-IP-015", "/serviceDate")),
        (UNITS | {"serviceDate": "2024-02-29T00:00:00Z"}, ("GEN-IP-015", "/serviceDate")),
        (UNITS | {"serviceDate": 20240229}, ("GEN-IP-015", "/serviceDate")),
        (DAY | {"serviceDate": "1899-12-31"}, ("CON-IP-016", "/serviceDate")),
        (UNITS | {"limitCode": "SLIDE"}, ("CON-IP-016", "/limitCode")),
        (without(UNITS, "numberOfUnits"), ("CON-IP-012", "/numberOfUnits")),
        (UNITS | {"amount": AMOUNT["amount"]}, ("CON-IP-012", "/amount")),
        (without(AMOUNT, "amount"), ("CON-IP-012", "/amount")),
        (AMOUNT | {"numberOfUnits": 1}, ("CON-IP-012", "/numberOfUnits")),
        (DAY | {"numberOfUnits": 1}, ("CON-IP-012", "/numberOfUnits")),
        (DAY | {"amount": AMOUNT["amount"]}, ("CON-IP-012", "/amount")),
        (AMOUNT | {"amount": 5}, ("GEN-IP-015", "/amount")),
        (AMOUNT | {"amount": {"currency": "USD"}}, ("GEN-IP-010", "/amount/value")),
        (AMOUNT | {"amount": {"value": 1}}, ("GEN-IP-010", "/amount/currency")),
        (AMOUNT | {"amount": {"value": 1, "currency": "XXX"}}, ("GEN-CURR-001", "/amount/currency")),
        (AMOUNT | {"amount": {"value": 1, "currency": "usd"}}, ("GEN-CURR-001", "/amount/currency")),
        (AMOUNT | {"amount": {"value": 1, "currency": "EUR"}}, ("CON-IP-013", "/amount/currency")),
        (UNITS | {"provider": {"code": None}}, ("GEN-IP-010", "/provider/code")),
        (UNITS | {"externalId": "X" * 101}, ("GEN-IP-014", "/externalId")),
        (UNITS | {"externalId": 5}, ("GEN-IP-015", "/externalId")),
        (UNITS | {"description": "a\x00b"}, ("GEN-IP-015", "/description")),
        (UNITS | {"description": "\ud800"}, ("GEN-IP-015", "/description")),
        (UNITS | {"referenceCode": "R1"}, ("GEN-TRAS-001", "/referenceCode")),
        (UNITS | {"transactionSourceCode": "NONE"}, ("GEN-TRAS-002", "/transactionSourceCode")),
        (UNITS | {"withdrawn": "true"}, ("GEN-IP-015", "/withdrawn")),
        (UNITS | {"withdrawn": 1}, ("GEN-IP-015", "/withdrawn")),
        (UNITS | {"counterId": 0}, ("GEN-IP-015", "/counterId")),
        (UNITS | {"startDate": "2024-13-01"}, ("GEN-IP-015", "/startDate")),
    ],
)
def test_one_broken_rule(row: Any, expected: tuple[str, str]) -> None:
    assert broken(row) == {expected}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (0, "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1.50000000"), "1.5"),
        (Decimal("0.0001"), "0.0001"),
        (Decimal("-9999999999999999.9999"), "-9999999999999999.9999"),
    ],
)
def test_exact_numbers(value: Any, stored: str) -> None:
    assert read_row(1, UNITS | {"numberOfUnits": value}, CATALOGUE).number_of_units == Decimal(stored)


@pytest.mark.parametrize(
    "value",
    [
        *(1.5, True, "1", [1]),
        *(Decimal("NaN"), Decimal("Infinity")),
        *(Decimal("0.00001"), Decimal("1E-40"), 10**16, Decimal("1E+40"), Decimal("-1E+16")),
    ],
)
def test_numbers_that_cannot_be_kept_exactly(value: Any) -> None:
    assert broken(UNITS | {"numberOfUnits": value}) == {("GEN-IP-015", "/numberOfUnits")}


def test_all_broken_rules_are_told() -> None:
    row = {"limitCode": "NONE", "aggregationLevel": "FAMILY", "serviceDate": "soon", "referenceCode": "R", "x": 1}
    assert broken(row) == {
        ("CON-IP-002", "/limitCode"),
        ("GEN-IP-010", "/familyCode"),
        ("GEN-IP-015", "/serviceDate"),
        ("GEN-TRAS-001", "/referenceCode"),
        ("GEN-IP-012", "/x"),
    }
