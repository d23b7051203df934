"""The sample: the same rows for the same number, once, with the figures that others build on."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from consumption import sample
from consumption.models import Consumption, CounterPeriod, Limit, TransactionSource
from consumption.periods import period_of

ROWS = 2000
DIGEST = "312211959c025048663aa39079865f69577721da99b75065538796d82075c14c"
# The window of the protocol's example, 1970-10-11T14:04:41+01:00 to 14:04:42.509+01:00.
START = datetime(1970, 10, 11, 13, 4, 41, tzinfo=UTC)
END = datetime(1970, 10, 11, 13, 4, 42, 509_000, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def load_sample(rows: int = ROWS) -> str:
    out = io.StringIO()
    call_command("load_sample", consumptions=rows, stdout=out)
    return out.getvalue()


def everything() -> list[tuple[Any, ...]]:
    """Every value of every row but ids and transaction ids, in the order of the ledger."""
    period = "counter_period"
    return list(
        Consumption.objects.order_by("id").values_list(
            "limit__code",
            f"{period}__counter__limit__code",
            f"{period}__counter__aggregation_level",
            f"{period}__counter__person_code",
            f"{period}__counter__family_code",
            f"{period}__start_date",
            f"{period}__end_date",
            f"{period}__total",
            "transaction_datetime",
            "service_date",
            "amount",
            "number_of_units",
            "provider_code",
            "external_id",
            "transaction_source__code",
            "reference_code",
            "description",
            "withdrawn",
        )
    )


def test_same_number_gives_the_same_rows() -> None:
    load_sample()
    digest = hashlib.sha256(json.dumps(everything(), default=str).encode()).hexdigest()
    assert digest == DIGEST, "the sample changed; figures that others measured with it can no longer be compared"


def test_rows_do_not_depend_on_what_is_there() -> None:
    first = rolled_back()
    assert len(first) == ROWS
    assert rolled_back() == first


def rolled_back() -> list[tuple[Any, ...]]:
    with transaction.atomic():
        load_sample()
        rows = everything()
        transaction.set_rollback(True)
    return rows


def test_second_run_changes_nothing() -> None:
    load_sample()
    before = everything()
    Limit.objects.filter(code="VERT").update(description="ours")
    for rows in (ROWS, 10):
        assert "there already" in load_sample(rows)
    assert everything() == before
    assert Limit.objects.get(code="VERT").description == "ours"


@pytest.mark.parametrize("rows", [1, 2, 12, 13, 50])
def test_small_samples(rows: int) -> None:
    load_sample(rows)
    assert Consumption.objects.count() == rows
    assert "there already" in load_sample(rows)


def test_limits_and_sources() -> None:
    load_sample()
    assert list(Limit.objects.values_list("code", "type", "currency", "reference")) == [
        ("OOPM", "AMOUNT", "USD", "CALENDAR_YEAR"),
        ("PAID", "AMOUNT", "USD", "LIFETIME"),
        ("PLAN2", "AMOUNT", "USD", "CALENDAR_YEAR"),
        ("VERT", "UNITS", "", "CALENDAR_YEAR"),
        ("VISITS", "UNITS", "", "CALENDAR_YEAR"),
    ]
    assert list(TransactionSource.objects.values_list("code", flat=True)) == ["CLAIMS", "SYNTHEA"]


def test_shares() -> None:
    load_sample()
    share = {
        row["limit__code"]: row["rows"] / ROWS
        for row in Consumption.objects.values("limit__code").annotate(rows=Count("id"))
    }
    assert share == pytest.approx({"VERT": 0.4, "VISITS": 0.25, "OOPM": 0.15, "PAID": 0.15, "PLAN2": 0.05}, abs=0.03)


def test_window_of_the_example() -> None:
    load_sample()
    vert = Consumption.objects.filter(limit__code="VERT", transaction_datetime__year=1970)
    inside = vert.filter(transaction_datetime__range=(START, END))
    assert (vert.count(), inside.count()) == (12, 8)
    assert vert.filter(transaction_datetime=START).count() == vert.filter(transaction_datetime=END).count() == 2
    assert vert.filter(transaction_datetime__lt=START).exists() and vert.filter(transaction_datetime__gt=END).exists()
    assert not Consumption.objects.filter(transaction_datetime__year=1970).exclude(limit__code="VERT").exists()


def test_moments_are_fixed_and_in_order() -> None:
    load_sample()
    moments = list(Consumption.objects.order_by("id").values_list("transaction_datetime", flat=True))
    assert moments == sorted(moments)
    assert moments[12].year == 2019 and (moments[-1].year, moments[-1].month) == (2026, 6)
    assert all(moment.microsecond % 1000 == 0 for moment in moments)


def test_rows_of_every_kind() -> None:
    load_sample()
    rows = Consumption.objects.all()
    assert rows.filter(withdrawn=True).count() == ROWS // 50
    assert rows.filter(withdrawn=False).filter(Q(amount__lt=0) | Q(number_of_units__lt=0)).count() == ROWS // 50
    assert not rows.filter(withdrawn=True).filter(Q(amount__gt=0) | Q(number_of_units__gt=0)).exists()
    assert rows.filter(counter_period__counter__family_code__isnull=False).exists()
    assert any(amount and amount % 1 for amount in rows.values_list("amount", flat=True))
    for optional in ("provider_code", "external_id", "transaction_source", "reference_code", "description"):
        assert rows.filter(**{f"{optional}__isnull": True}).exists(), optional
    used = set(rows.values_list("description", flat=True))
    assert used == {None, *sample.DESCRIPTIONS}
    external = [each for each in rows.values_list("external_id", flat=True) if each is not None]
    assert len(external) == len(set(external))


def test_withdrawal_takes_back_one_earlier_row() -> None:
    load_sample()
    rows = list(Consumption.objects.order_by("id"))
    for index, row in enumerate(rows):
        if row.withdrawn:
            origin = rows[index - 7]
            assert row.counter_period_id == origin.counter_period_id
            assert row.service_date == origin.service_date
            assert (row.amount or 0) + (row.number_of_units or 0) == -(
                (origin.amount or 0) + (origin.number_of_units or 0)
            )


def test_totals_are_the_sums() -> None:
    load_sample()
    wrong = CounterPeriod.objects.annotate(
        sum=Sum(Coalesce("consumptions__amount", "consumptions__number_of_units", default=Decimal(0)))
    ).exclude(sum=F("total"))
    assert CounterPeriod.objects.count() > 100
    assert not wrong.exists()


def test_periods_are_those_of_the_rule() -> None:
    load_sample()
    for row in Consumption.objects.select_related("limit", "counter_period__counter"):
        period = row.counter_period
        assert (period.start_date, period.end_date) == period_of(row.limit.reference, row.service_date)
        assert period.counter.limit_id == row.limit_id


def test_beside_other_rows() -> None:
    Limit.objects.create(code="VERT", type="UNITS", reference="CALENDAR_YEAR")
    load_sample(20)
    assert Limit.objects.get(code="VERT").description.startswith("Manual therapy")


def test_another_limit_of_the_same_code() -> None:
    Limit.objects.create(code="VERT", type="SERVICE_DAYS", reference="CALENDAR_YEAR")
    with pytest.raises(CommandError, match="VERT has type SERVICE_DAYS"):
        load_sample(20)
    assert Limit.objects.count() == 1
    assert not Consumption.objects.exists()


def test_only_in_development(settings: Any) -> None:
    settings.DEVELOPMENT = False
    with pytest.raises(CommandError, match="development"):
        load_sample(20)
    assert not Limit.objects.exists()


@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5"])
def test_number_has_to_be_positive(number: str) -> None:
    with pytest.raises(CommandError, match="whole number"):
        call_command("load_sample", f"--consumptions={number}")
