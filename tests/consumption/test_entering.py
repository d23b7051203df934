"""One consumption over HTTP: in once, found again, refused with reasons; totals that add up; periods of every rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections

from consumption.models import Consumption, Counter, CounterPeriod, Limit
from hypermedia.media import RESOURCE
from hypermedia.readers import Role
from tests.conftest import ApiClient, rel
from tests.consumption.inputs import units
from tests.factories import LimitFactory, TransactionSourceFactory, UserFactory

PATH = "/api/limitconsumptions"


@pytest.fixture(autouse=True)
def limits(request: pytest.FixtureRequest) -> None:
    committed = request.node.get_closest_marker("django_db").kwargs.get("transaction")
    request.getfixturevalue("transactional_db" if committed else "db")
    LimitFactory.create()
    LimitFactory.create(code="OOPM", type="AMOUNT", currency="USD", maximum=Decimal("100"))
    LimitFactory.create(code="DAYS", type="SERVICE_DAYS", reference="LIFETIME")
    LimitFactory.create(code="PLAN", reference="PLAN_YEAR", plan_year_start="07-01")
    LimitFactory.create(code="ANNUAL", reference="ANNUAL")
    LimitFactory.create(code="SLIDE", reference="SLIDING_WINDOW")
    TransactionSourceFactory.create(code="CLAIMS")


@pytest.fixture
def writer(limits: None) -> ApiClient:
    return ApiClient(UserFactory.create(roles=[Role.OPERATOR]))


def amount(value: str, **properties: Any) -> bytes:
    """The body as bytes, so that the number is the one that stands here."""
    body = {"limitCode": "OOPM", "aggregationLevel": "FAMILY", "familyCode": "F1", "serviceDate": "2024-05-01"}
    money = {"amount": {"value": "VALUE", "currency": "USD"}}
    return json.dumps({**body, **money, **properties}).replace('"VALUE"', value).encode()


def sent(writer: ApiClient, body: Any) -> Any:
    headers = {"Content-Type": RESOURCE} if isinstance(body, bytes) else {}
    return writer.request("POST", PATH, body, **headers)


def codes(response: Any) -> list[tuple[str, str | None]]:
    assert response.headers["Content-Type"] == "application/problem+json"
    return [(each["code"], each.get("pointer")) for each in response.json()["resultMessages"]["resultMessage"]]


@pytest.mark.django_db
def test_new_then_the_same_then_another(writer: ApiClient) -> None:
    body = amount(
        "1234567890123456.7891",
        externalId="X1",
        transactionSourceCode="CLAIMS",
        referenceCode="R1",
        provider={"code": "C1"},
        description="",
    )
    created = sent(writer, body)
    assert (created.status_code, created.content, created.headers["Content-Length"]) == (201, b"", "0")
    location = created.headers["Location"]
    entry = writer.get(location)
    assert b'"amount":{"value":1234567890123456.7891,"currency":"USD"}' in entry.content
    document = entry.json()
    assert list(document) == [
        *("type", "id", "links", "limitCode", "counterId", "counterPeriodId", "transactionDateTime", "serviceDate"),
        *("aggregationLevel", "familyCode", "amount", "provider", "externalId", "transactionSourceCode"),
        *("referenceCode", "description", "withdrawn"),
    ]
    again = sent(writer, body)
    assert (again.status_code, again.headers["Location"]) == (200, location)
    assert again.json() == document
    # The same number, written in another way, is the same.
    assert sent(writer, body.replace(b".7891", b".78910")).status_code == 200
    other = sent(writer, body.replace(b".7891", b".7892"))
    assert other.status_code == 409
    assert codes(other) == [("CON-IP-019", "/externalId")]
    assert CounterPeriod.objects.get().total == Decimal("1234567890123456.7891")
    assert Consumption.objects.count() == 1


@pytest.mark.django_db
def test_an_external_id_belongs_to_its_limit_and_source(writer: ApiClient) -> None:
    """Without a source it is one too: two NULLs are the same."""
    bodies = [
        units(externalId="X"),
        units(externalId="X", transactionSourceCode="CLAIMS"),
        {**units(externalId="X"), "limitCode": "PLAN"},
    ]
    assert [sent(writer, body).status_code for body in bodies + bodies] == [201] * 3 + [200] * 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        {"person": {"code": "P2"}},
        {"serviceDate": "2025-05-01"},
        {"numberOfUnits": 2},
        {"provider": {"code": "C"}},
        {"description": "x"},
        {"withdrawn": True},
        {"counterId": 1},
        {"startDate": "2024-02-01"},
        {"endDate": "2024-02-01"},
    ],
)
def test_other_content(writer: ApiClient, change: dict[str, Any]) -> None:
    assert sent(writer, units(externalId="X")).status_code == 201
    assert codes(sent(writer, units(externalId="X") | change)) == [("CON-IP-019", "/externalId")]
    assert Consumption.objects.count() == CounterPeriod.objects.count() == 1


@pytest.mark.django_db
def test_without_an_external_id_each_is_new(writer: ApiClient) -> None:
    locations = {sent(writer, units()).headers["Location"] for _ in range(2)}
    assert len(locations) == 2
    assert CounterPeriod.objects.get().total == 2


@pytest.mark.django_db
def test_an_idempotency_key_gives_the_first_answer(writer: ApiClient) -> None:
    locations = {writer.post(PATH, units(), Idempotency_Key="k").headers["Location"] for _ in range(2)}
    assert len(locations) == 1
    assert Consumption.objects.count() == 1
    assert writer.post(PATH, units("P2"), Idempotency_Key="k").status_code == 422


@pytest.mark.django_db
def test_corrections_and_withdrawals_are_entries_and_what_remains_follows(writer: ApiClient) -> None:
    def remaining(body: bytes) -> tuple[Any, Any]:
        location = sent(writer, body).headers["Location"]
        period = writer.get(rel(writer.get(location).json(), "counterperiod") or "").json()
        return period["total"]["amount"]["value"], period["remaining"]["amount"]["value"]

    assert remaining(amount("70.10")) == (70.1, 29.9)
    assert remaining(amount("-0.10")) == (70, 30)
    assert remaining(amount("40")) == (110, -10)
    assert remaining(amount("-40", withdrawn=True)) == (70, 30)
    assert Consumption.objects.count() == 4


@pytest.mark.django_db
def test_service_days(writer: ApiClient) -> None:
    def total(**properties: Any) -> Any:
        body = {**units(**properties), "limitCode": "DAYS"}
        del body["numberOfUnits"]
        assert sent(writer, body).status_code == 201
        return CounterPeriod.objects.get().total

    assert [total(), total(), total(serviceDate="2024-05-02"), total(withdrawn=True), total(withdrawn=True)] == [
        *(1, 1, 2, 2, 1)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("code", "days", "periods"),
    [
        ("VERT", ["2024-01-01", "2024-12-31"], [("2024-01-01", "2024-12-31")]),
        ("PLAN", ["2024-06-30", "2024-07-01"], [("2023-07-01", "2024-06-30"), ("2024-07-01", "2025-06-30")]),
        ("ANNUAL", ["2024-03-10", "2025-03-09", "2024-04-01"], [("2024-03-10", "2025-03-09")]),
        (
            "ANNUAL",
            ["2024-03-10", "2025-03-10", "2024-03-09"],
            [("2023-03-10", "2024-03-09"), ("2024-03-10", "2025-03-09"), ("2025-03-10", "2026-03-09")],
        ),
        (
            "ANNUAL",
            ["2024-02-29", "2025-02-27", "2025-02-28"],
            [("2024-02-29", "2025-02-27"), ("2025-02-28", "2026-02-27")],
        ),
    ],
)
def test_periods(writer: ApiClient, code: str, days: list[str], periods: list[tuple[str, str]]) -> None:
    for day in days:
        assert sent(writer, {**units(serviceDate=day), "limitCode": code}).status_code == 201
    found = CounterPeriod.objects.order_by("start_date").values_list("start_date", "end_date")
    assert [(str(start), str(end)) for start, end in found] == periods


@pytest.mark.django_db
def test_pinned_to_a_counter_and_a_period(writer: ApiClient) -> None:
    entry = writer.get(sent(writer, {**units(), "limitCode": "ANNUAL"}).headers["Location"]).json()
    pinned = {"counterId": entry["counterId"], "startDate": "2024-05-01", "endDate": "2025-04-30"}
    assert sent(writer, {**units(**pinned), "limitCode": "ANNUAL"}).status_code == 201
    wrong: list[dict[str, Any]] = [{"counterId": 999}, {"startDate": "2024-01-01"}, {"endDate": "2025-01-01"}]
    for pin in wrong:
        [name] = pin
        refused = sent(writer, {**units(**pinned | pin), "limitCode": "ANNUAL"})
        assert (refused.status_code, codes(refused)) == (422, [("CON-IP-017", f"/{name}")])
    # The years of a new counter begin where its first consumption says.
    first = {**units("P2", serviceDate="2024-05-01", startDate="2024-02-01"), "limitCode": "ANNUAL"}
    assert sent(writer, first).status_code == 201
    assert str(Counter.objects.get(person_code="P2").first_use) == "2024-02-01"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({**units(), "limitCode": "SLIDE"}, 422, ("CON-IP-016", "/limitCode")),
        (units(limitCode="NONE"), 422, ("CON-IP-002", "/limitCode")),
        (units(referenceCode="R"), 422, ("GEN-TRAS-001", "/referenceCode")),
        (units(transactionSourceCode="NONE"), 422, ("GEN-TRAS-002", "/transactionSourceCode")),
        (amount("1").replace(b"USD", b"XYZ"), 422, ("GEN-CURR-001", "/amount/currency")),
        (amount("1.23456"), 422, ("GEN-IP-015", "/amount/value")),
        (amount('"1"'), 422, ("GEN-IP-015", "/amount/value")),
        (amount("NaN"), 400, ("GEN-IP-001", None)),
        (b'{"limitCode": "A", "limitCode": "B"}', 400, ("GEN-IP-001", None)),
        ([], 422, ("GEN-IP-015", "")),
        (units(nonsense=1), 422, ("GEN-IP-012", "/nonsense")),
    ],
)
def test_refused(writer: ApiClient, body: Any, status: int, expected: tuple[str, str]) -> None:
    response = sent(writer, body)
    assert (response.status_code, codes(response)) == (status, [expected])
    assert not Counter.objects.exists()


@pytest.mark.django_db
def test_a_total_that_no_longer_fits(writer: ApiClient) -> None:
    assert sent(writer, amount("9999999999999999.9999")).status_code == 201
    assert codes(sent(writer, amount("1"))) == [("CON-IP-018", None)]
    assert Consumption.objects.count() == 1


@pytest.fixture
def many(writer: ApiClient) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.mark.django_db(transaction=True)
def test_the_same_from_many_at_once_is_written_once(writer: ApiClient, many: ThreadPoolExecutor) -> None:
    def send(number: int) -> int:
        try:
            return int(sent(writer, units(externalId=f"X{number % 5}")).status_code)
        finally:
            connections.close_all()

    answers = list(many.map(send, range(40)))
    assert sorted(answers) == [200] * 35 + [201] * 5
    assert CounterPeriod.objects.get().total == Consumption.objects.count() == 5


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.CLIENT, Role.AUDITOR, Role.INTEGRATION])
def test_only_operators_write(role: Role) -> None:
    assert sent(ApiClient(UserFactory.create(roles=[role])), units()).status_code == 403
    assert not Limit.objects.get(code="VERT").counters.exists()
