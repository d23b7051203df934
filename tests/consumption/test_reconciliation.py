"""What an export comes to, limit by limit, and what is said when running totals are not what the ledger says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from consumption import exports
from consumption.exporting import few
from consumption.exporting.lines import counter_lines
from consumption.models import CounterPeriod, Limit, ReadConsumptionBatch
from jobs.models import Message
from tests.consumption.exporting import files, run_export
from tests.factories import ConsumptionFactory, CounterPeriodFactory, LimitFactory

pytestmark = pytest.mark.django_db(transaction=True)

INSIDE, OUTSIDE = datetime(2024, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC), datetime(1999, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["few", "narrow", "wide"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whichever way the number of entries, or the planner's guess, would send the export: the result is the same."""
    real = exports.estimate

    def guess(*arguments: Any) -> exports.Estimate:
        return replace(real(*arguments), wide=request.param == "wide")

    monkeypatch.setattr(exports, "estimate", guess)
    if request.param != "few":
        monkeypatch.setattr(few, "read", lambda *_: None)
    return str(request.param)


def totals(batch: ReadConsumptionBatch) -> list[dict[str, Any]]:
    assert batch.data_file_set is not None
    found: list[dict[str, Any]] = batch.data_file_set.totals
    return found


def ledger() -> None:
    """Units inside and outside of the window, money below zero, a used day and one that was taken back, and a limit
    that nothing was counted by; all running totals right."""
    units = CounterPeriodFactory.create()
    for moment, number in ((OUTSIDE, "2"), (INSIDE, "3.5"), (INSIDE, "-0.0001")):
        ConsumptionFactory.create(counter_period=units, transaction_datetime=moment, number_of_units=Decimal(number))
    money = CounterPeriodFactory.create(limit=LimitFactory.create(code="OOPM", type=Limit.Type.AMOUNT, currency="USD"))
    ConsumptionFactory.create(counter_period=money, number_of_units=None, amount=Decimal("-12.3400"))
    days = CounterPeriodFactory.create(limit=LimitFactory.create(code="DAYS", type=Limit.Type.SERVICE_DAYS))
    for moment, day, withdrawn in ((INSIDE, 1, False), (INSIDE, 1, False), (OUTSIDE, 2, False), (INSIDE, 2, True)):
        ConsumptionFactory.create(
            counter_period=days,
            number_of_units=None,
            transaction_datetime=moment,
            service_date=date(2024, 3, day),
            withdrawn=withdrawn,
        )
    LimitFactory.create(code="UNUSED")
    for period, total in ((units, "5.4999"), (money, "-12.34"), (days, "1")):
        CounterPeriod.objects.filter(pk=period.pk).update(total=Decimal(total))


def test_totals_of_each_limit(way: str) -> None:
    ledger()
    batch = run_export()
    noon = {"value": "2024-03-01T12:00:00+00:00"}
    quarter = {"value": "2024-03-01T12:00:00.250+00:00"}
    assert {total["limitCode"]: total for total in totals(batch)} == {
        "VERT": {
            "limitCode": "VERT",
            "consumptions": 2,
            "counters": 1,
            "numberOfUnits": "3.4999",
            "firstTransactionDateTime": quarter,
            "lastTransactionDateTime": quarter,
        },
        "OOPM": {
            "limitCode": "OOPM",
            "consumptions": 1,
            "counters": 1,
            "amount": "-12.34",
            "currency": "USD",
            "firstTransactionDateTime": noon,
            "lastTransactionDateTime": noon,
        },
        "DAYS": {
            "limitCode": "DAYS",
            "consumptions": 3,
            "counters": 1,
            "serviceDays": "1",
            "firstTransactionDateTime": quarter,
            "lastTransactionDateTime": quarter,
        },
        "UNUSED": {"limitCode": "UNUSED", "consumptions": 0, "counters": 0, "numberOfUnits": "0"},
    }
    assert batch.data_file_set is not None
    assert batch.data_file_set.snapshot_at == batch.snapshot_at
    assert not Message.objects.exists()


def test_without_service_days_it_is_the_same(way: str) -> None:
    ledger()
    (total,) = totals(run_export(limit_codes=["VERT"]))
    assert (total["consumptions"], total["counters"], total["numberOfUnits"]) == (2, 1, "3.4999")


def test_wrong_running_totals_are_told(way: str) -> None:
    ledger()
    before = files()
    CounterPeriod.objects.filter(counter__limit__code__in=["VERT", "DAYS"]).update(total=999)
    assert files() == before, "no file has a running total"
    message = Message.objects.get()
    assert (message.severity, message.code) == (Message.Severity.INFORMATIVE, "CON-IN-001")
    assert "VERT (1)" in message.text and "DAYS (1)" in message.text and "OOPM" not in message.text


def test_nothing_found_has_zeros() -> None:
    LimitFactory.create()
    assert totals(run_export()) == [{"limitCode": "VERT", "consumptions": 0, "counters": 0, "numberOfUnits": "0"}]


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
def test_every_format_is_reconciled(format: str) -> None:
    ledger()
    assert [total["consumptions"] for total in totals(run_export(format=format))] == [2, 1, 3, 0]


def test_a_wide_window_goes_over_the_ledger_once() -> None:
    """Never period by period, however dear sorting and hashing seem: that reads the ledger's pages in any order."""
    ledger()
    window = exports.Window(OUTSIDE, INSIDE, [exports.ExportedLimit(1, "VERT", "UNITS")], wide=True, every=True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashagg = off; SET LOCAL enable_sort = off")
        cursor.execute("EXPLAIN " + counter_lines(window).as_string())
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan on consumption_consumption" in plan, plan
