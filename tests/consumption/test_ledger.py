"""Writing to the ledger: all or nothing, totals that are the sums, and writers that do not hurt each other."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.utils.timezone import now

from consumption import ledger
from consumption.exporting import closing
from consumption.ledger import LinesBroken, Row
from consumption.models import Consumption, Counter, CounterPeriod, Limit
from hypermedia.errors import Conflict, Malformed, RuleBroken
from jobs.leases import connection_info
from tests.consumption.inputs import numbered, totals, units
from tests.factories import LimitFactory, TransactionSourceFactory

LARGEST = Decimal("9999999999999999.9999")


@pytest.fixture(autouse=True)
def limits(request: pytest.FixtureRequest) -> None:
    committed = request.node.get_closest_marker("django_db").kwargs.get("transaction")
    request.getfixturevalue("transactional_db" if committed else "db")
    LimitFactory.create()
    LimitFactory.create(code="DAYS", type=Limit.Type.SERVICE_DAYS, reference=Limit.Reference.LIFETIME)
    TransactionSourceFactory.create(code="CLAIMS")


@pytest.mark.django_db
def test_writes_every_value() -> None:
    content = units(
        numberOfUnits=Decimal("1.2500"),
        provider={"code": "C1"},
        externalId="X1",
        description='with "quotes", \\, \n and 🧘',
        transactionSourceCode="CLAIMS",
        referenceCode="R1",
        withdrawn=True,
    )
    before = now() - timedelta(milliseconds=1)
    posted = ledger.write(rows=numbered([content]))
    assert (posted.consumptions, posted.new_counters, posted.periods) == (1, 1, 1)
    row = Consumption.objects.select_related("counter_period__counter__limit", "transaction_source").get()
    assert row.transaction_source is not None
    assert (row.limit.code, row.counter_period.counter.person_code) == ("VERT", "P1")
    assert (row.service_date, row.number_of_units, row.amount) == (date(2024, 5, 1), Decimal("1.25"), None)
    assert (row.provider_code, row.external_id, row.reference_code) == ("C1", "X1", "R1")
    assert (row.description, row.transaction_source.code, row.withdrawn) == (content["description"], "CLAIMS", True)
    assert before <= row.transaction_datetime <= now()
    assert row.transaction_datetime.microsecond % 1000 == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text")
        assert str(row.transaction_id) == cursor.fetchone()[0]


@pytest.mark.django_db
def test_adds_to_counters_and_periods_that_are_there() -> None:
    for _ in range(2):
        ledger.write(
            rows=numbered(
                [
                    units("P1", numberOfUnits=Decimal("0.1")),
                    units("P1", numberOfUnits=Decimal("0.2")),
                    units("P1", serviceDate="2025-01-01"),
                    units("P2", numberOfUnits=-3),
                    {**units(), "aggregationLevel": "FAMILY", "familyCode": "P1", "person": None},
                ]
            )
        )
    assert Counter.objects.count() == 3
    assert sorted(CounterPeriod.objects.values_list("counter__aggregation_level", "start_date__year", "total")) == [
        ("FAMILY", 2024, 2),
        ("PERSON", 2024, -6),
        ("PERSON", 2024, Decimal("0.6")),
        ("PERSON", 2025, 2),
    ]


@pytest.mark.django_db
def test_service_days_count_once_a_day_until_all_of_it_is_withdrawn() -> None:
    def write(day: str, withdrawn: bool = False) -> Decimal:
        row = {**units(), "limitCode": "DAYS", "numberOfUnits": None, "serviceDate": day, "withdrawn": withdrawn}
        ledger.write(rows=numbered([row]))
        return totals()["DAYS", "P1", 1900]

    days = ["2024-05-01", "2024-05-01", "2023-01-01"]
    assert [write(day) for day in days] == [1, 1, 2]
    assert [write("2024-05-01", withdrawn=True) for _ in range(2)] == [2, 1]


@pytest.mark.django_db
def test_entries_keep_the_order_of_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 7)
    people = [f"P{random.Random(n).randrange(9)}" for n in range(50)]  # noqa: S311
    posted = ledger.write(rows=numbered(units(person, externalId=str(n)) for n, person in enumerate(people)))
    assert posted.consumptions == 50
    written = Consumption.objects.order_by("id").values_list("external_id", "counter_period__counter__person_code")
    assert list(written) == [(str(n), person) for n, person in enumerate(people)]


@pytest.mark.django_db
def test_nothing_at_all() -> None:
    assert ledger.write(rows=[]).consumptions == 0


@pytest.mark.django_db
def test_one_bad_line_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 2)
    rows = [*numbered([units(), units(), units(limitCode="NONE", x=1)]), Row(9, Malformed("no JSON")), Row(12, units())]
    with pytest.raises(LinesBroken) as caught:
        ledger.write(rows=rows)
    assert [(line, message.code) for line, message in caught.value.lines] == [
        (3, "GEN-IP-012"),
        (3, "CON-IP-002"),
        (9, "GEN-IP-001"),
    ]
    assert caught.value.messages[2].text == "Line 9: no JSON"
    assert not Counter.objects.exists() and not Consumption.objects.exists()
    ledger.write(rows=numbered([units()]))
    assert totals() == {("VERT", "P1", 2024): 1}


@pytest.mark.django_db
def test_broken_rules_are_counted_but_not_all_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LISTED", 3)
    with pytest.raises(LinesBroken) as caught:
        ledger.write(rows=numbered([{}] * 10))
    assert (len(caught.value.lines), caught.value.count) == (3, 30)


@pytest.mark.django_db
def test_total_that_does_not_fit() -> None:
    ledger.write(rows=numbered([units(numberOfUnits=LARGEST)]))
    with pytest.raises(RuleBroken, match="no longer fit"):
        ledger.write(rows=numbered([units("P0"), units(numberOfUnits=LARGEST)]))
    assert totals() == {("VERT", "P1", 2024): LARGEST}


@pytest.mark.django_db
def test_limit_that_is_changed_while_rows_come_in() -> None:
    def rows() -> Iterator[Row]:
        yield Row(1, units())
        Limit.objects.filter(code="VERT").update(reference=Limit.Reference.LIFETIME)

    with pytest.raises(Conflict, match="Try again"):
        ledger.write(rows=rows())
    assert not Consumption.objects.exists()


@pytest.mark.django_db
def test_failing_input_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CHUNK", 1)

    def rows() -> Iterator[Row]:
        yield Row(1, units())
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        ledger.write(rows=rows())
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.staged_consumption')")
        assert cursor.fetchone()[0] is None


@pytest.mark.django_db(transaction=True)
def test_slow_input_keeps_no_export_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """While rows come in, no transaction is open that an export of a closed window would wait for."""
    monkeypatch.setattr(ledger, "CHUNK", 1)
    waited_for: list[Any] = []

    def rows(other: psycopg.Connection[Any]) -> Iterator[Row]:
        for row in numbered([units()] * 3):
            # Without a user: one of other tests' that has ended since, or autovacuum.
            waited_for.extend(writer for writer in closing.writers(other) if writer.user)
            yield row

    with psycopg.connect(connection_info(), autocommit=True) as other:
        assert ledger.write(rows=rows(other)).consumptions == 3
    assert waited_for == []


@pytest.mark.django_db(transaction=True)
def test_second_writer_of_the_same_counter_waits() -> None:
    started = threading.Event()

    def second() -> None:
        started.set()
        ledger.write(rows=numbered([units("P0"), units("P1", numberOfUnits=10)]))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            ledger.write(rows=numbered([units("P1"), units("P2")]))
            waiting = pool.submit(elsewhere, second)
            assert started.wait(60)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        waiting.result(timeout=60)
    assert totals() == {("VERT", "P0", 2024): 1, ("VERT", "P1", 2024): 11, ("VERT", "P2", 2024): 1}


@pytest.mark.django_db(transaction=True)
def test_many_writers_of_the_same_counters_all_succeed() -> None:
    def writer(number: int) -> None:
        chance = random.Random(number)  # noqa: S311
        for _ in range(5):
            people = [f"P{chance.randrange(20)}" for _ in range(30)]
            days = [{**units(p), "limitCode": "DAYS", "numberOfUnits": None} for p in people[:5]]
            ledger.write(rows=numbered([*(units(p, numberOfUnits=number) for p in people), *days]))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(elsewhere, partial(writer, n)) for n in range(1, 5)]:
            done.result(timeout=60)
    found = totals()
    assert sum(total for (code, _, _), total in found.items() if code == "VERT") == 5 * 30 * (1 + 2 + 3 + 4)
    assert {total for (code, _, _), total in found.items() if code == "DAYS"} == {1}


def elsewhere(body: Callable[[], None]) -> None:
    """Runs in a thread, whose connection has to be closed before the test database can be emptied."""
    try:
        body()
    finally:
        connections.close_all()
