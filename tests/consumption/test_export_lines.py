"""What stands in an exported file: every line against an oracle in Python that shares nothing with the SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from consumption.exporting import few, operation
from consumption.models import Consumption, Counter, CounterPeriod, Limit, ReadConsumptionBatch
from consumption.services import start_export
from datafiles import storage
from datafiles.models import DataFile
from hypermedia.readers import Role
from jobs.models import Message
from jobs.states import OperationStatus
from tests.factories import (
    ConsumptionFactory,
    CounterPeriodFactory,
    LimitFactory,
    TransactionSourceFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC)
Export = Callable[..., list[str]]


@pytest.fixture(params=["few", "copied"])
def export(request: pytest.FixtureRequest, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Export:
    """Runs an export to its end, on either way to its lines, and gives those of its file."""
    if request.param == "few":
        monkeypatch.setattr(operation, "_copy", None)
    else:
        monkeypatch.setattr(few, "read", lambda *_: None)
    owner = UserFactory.create(roles=[Role.CLIENT])

    def run(start: datetime = START, end: datetime = END, codes: list[str] | None = None) -> list[str]:
        batch = start_export(user_id=owner.pk, transaction_start=start, transaction_end=end, limit_codes=codes)
        work()
        batch = ReadConsumptionBatch.objects.get(pk=batch.pk)
        assert batch.status == OperationStatus.COMPLETED, list(Message.objects.values_list("text", flat=True))
        data_file = DataFile.objects.get(data_file_set=batch.data_file_set)
        content = b"".join(storage.open_range(data_file.storage_key, 0, data_file.content_length)).decode()
        lines = content.split("\n")
        assert lines.pop() == "", "the last line ends with a line break too"
        assert data_file.row_count == len(lines)
        return lines

    return run


def documents(lines: list[str], kind: str) -> list[dict[str, Any]]:
    parsed = [json.loads(line, parse_float=Decimal) for line in lines]
    return [document for document in parsed if document["type"] == kind]


NASTY = 'say "hi" \\ back\\n\n\r\ttab \u2028 \x01\x02\x1f , é 🎉 \\. end'


def test_every_property_in_the_contracts_order(export: Export) -> None:
    source = TransactionSourceFactory.create(code='S"1')
    limit = LimitFactory.create(code="OOPM", type=Limit.Type.AMOUNT, currency="USD")
    period = CounterPeriodFactory.create(limit=limit, person_code=NASTY[:60])
    entry = ConsumptionFactory.create(
        counter_period=period,
        number_of_units=None,
        amount=Decimal("-123.4600"),
        transaction_datetime=datetime(2024, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC),
        provider_code="7ff",
        external_id=NASTY,
        transaction_source=source,
        reference_code=NASTY,
        description=NASTY,
        withdrawn=True,
    )
    counter, consumption = export()
    holder = json.dumps({"code": NASTY[:60]}, ensure_ascii=False)
    assert json.loads(counter) == {
        "type": "counter",
        "id": period.pk,
        "limitCode": "OOPM",
        "counterId": period.counter_id,
        "aggregationLevel": "PERSON",
        "person": json.loads(holder),
        "startDate": "2024-01-01",
        "endDate": "2024-12-31",
        "total": {"amount": {"value": -123.46, "currency": "USD"}},
    }
    assert list(json.loads(consumption).items()) == [
        ("type", "consumption"),
        ("id", entry.pk),
        ("limitCode", "OOPM"),
        ("counterId", period.counter_id),
        ("counterPeriodId", period.pk),
        ("transactionDateTime", {"value": "2024-03-01T12:00:00.500+00:00"}),
        ("serviceDate", "2024-03-01"),
        ("person", json.loads(holder)),
        ("amount", {"value": -123.46, "currency": "USD"}),
        ("provider", {"code": "7ff"}),
        ("externalId", NASTY),
        ("transactionSourceCode", 'S"1'),
        ("referenceCode", NASTY),
        ("description", NASTY),
        ("withdrawn", True),
    ]
    assert '"value":-123.46,' in consumption, "trailing zeros are cut, digits are exact"


def test_null_is_left_out(export: Export) -> None:
    ConsumptionFactory.create()
    assert list(documents(export(), "consumption")[0]) == [
        "type",
        "id",
        "limitCode",
        "counterId",
        "counterPeriodId",
        "transactionDateTime",
        "serviceDate",
        "person",
        "numberOfUnits",
        "withdrawn",
    ]


def test_a_family_and_a_period_for_life(export: Export) -> None:
    limit = LimitFactory.create()
    family = Counter.objects.create(limit=limit, aggregation_level=Counter.Level.FAMILY, family_code="F1")
    period = CounterPeriod.objects.create(counter=family, start_date=date(1900, 1, 1))
    ConsumptionFactory.create(counter_period=period, number_of_units=Decimal("0.0001"))
    counter, consumption = (json.loads(line, parse_float=Decimal) for line in export())
    assert list(counter) == [
        "type",
        "id",
        "limitCode",
        "counterId",
        "aggregationLevel",
        "familyCode",
        "startDate",
        "total",
    ]
    assert counter["familyCode"] == consumption["familyCode"] == "F1"
    assert counter["total"] == {"numberOfUnits": Decimal("0.0001")}


def test_counters_first_then_consumptions_each_by_id(export: Export) -> None:
    periods = CounterPeriodFactory.create_batch(3)
    for period in (periods[2], periods[0], periods[1], periods[0]):
        ConsumptionFactory.create(counter_period=period)
    lines = [json.loads(line) for line in export()]
    assert [line["type"] for line in lines] == ["counter"] * 3 + ["consumption"] * 4
    assert [line["id"] for line in lines[:3]] == sorted(period.pk for period in periods)
    assert [line["id"] for line in lines[3:]] == sorted(line["id"] for line in lines[3:])


def test_both_ends_belong_to_the_window(export: Export) -> None:
    period = CounterPeriodFactory.create()
    moments = [START - timedelta(milliseconds=1), START, END, END + timedelta(milliseconds=1)]
    entries = [ConsumptionFactory.create(counter_period=period, transaction_datetime=moment) for moment in moments]
    exported = [line["id"] for line in documents(export(), "consumption")]
    assert exported == [entries[1].pk, entries[2].pk]


def test_a_total_counts_the_whole_period_not_the_window(export: Export) -> None:
    period = CounterPeriodFactory.create()
    for moment, units in ((START - timedelta(days=9), 2), (START, 3), (END + timedelta(days=9), -1)):
        ConsumptionFactory.create(counter_period=period, transaction_datetime=moment, number_of_units=units)
    CounterPeriod.objects.update(total=999)  # the cache must not be what is exported
    assert documents(export(), "counter")[0]["total"] == {"numberOfUnits": 4}


def test_service_days_count_once_a_day_and_not_when_withdrawn(export: Export) -> None:
    period = CounterPeriodFactory.create(limit=LimitFactory.create(code="DAYS", type=Limit.Type.SERVICE_DAYS))
    for day, withdrawn in ((1, False), (1, False), (2, False), (3, False), (3, True)):
        ConsumptionFactory.create(
            counter_period=period, number_of_units=None, service_date=date(2024, 3, day), withdrawn=withdrawn
        )
    assert documents(export(), "counter")[0]["total"] == {"serviceDays": 2}


def test_only_the_limits_asked_for(export: Export) -> None:
    ConsumptionFactory.create()
    ConsumptionFactory.create(counter_period=CounterPeriodFactory.create(limit=LimitFactory.create(code="VISITS")))
    assert {line["limitCode"] for line in map(json.loads, export(codes=["VISITS"]))} == {"VISITS"}
    assert {line["limitCode"] for line in map(json.loads, export())} == {"VERT", "VISITS"}


def test_nothing_found_is_an_empty_file(export: Export) -> None:
    LimitFactory.create()
    assert export() == []


def test_no_limit_at_all_is_an_empty_file(export: Export) -> None:
    assert export() == []


def test_the_same_ledger_gives_the_same_bytes(export: Export) -> None:
    ConsumptionFactory.create_batch(20)
    assert export() == export()


def test_times_are_the_servers(export: Export, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"
    ConsumptionFactory.create(transaction_datetime=datetime(2024, 7, 1, 12, 0, 0, 40_000, tzinfo=UTC))
    assert documents(export(), "consumption")[0]["transactionDateTime"] == {"value": "2024-07-01T14:00:00.040+02:00"}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "America/St_Johns", "Asia/Kathmandu"])
def test_every_fraction_of_a_second(export: Export, settings: Any, zone: str) -> None:
    """Three digits or none, in winter and in summer, before and after 1970."""
    settings.TIME_ZONE = zone
    fractions = [0, 1, 10, 100, 101, 110, 111, 250, 500, 900, 990, 999]
    days = [datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), START, datetime(2024, 7, 1, 3, 30, 1, tzinfo=UTC)]
    moments = [day + timedelta(milliseconds=fraction) for day in days for fraction in fractions]
    for moment in moments:
        ConsumptionFactory.create(transaction_datetime=moment)
    found = documents(export(datetime(1960, 1, 1, tzinfo=UTC), END), "consumption")
    assert [one["transactionDateTime"]["value"] for one in found] == [
        moment.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
        for moment in moments
    ]


def test_the_snapshot_is_kept_with_the_batch(export: Export) -> None:
    ConsumptionFactory.create()
    export()
    batch = ReadConsumptionBatch.objects.get()
    ConsumptionFactory.create()
    assert batch.snapshot_at is not None
    seen = Consumption.objects.extra(  # a fixed text
        where=["pg_visible_in_snapshot(transaction_id, (SELECT snapshot FROM consumption_readconsumptionbatch))"]
    )
    assert seen.count() == 1, "the same state can be read again later"
