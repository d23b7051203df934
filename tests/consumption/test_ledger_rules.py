"""What the database holds against everybody: nothing that was exported can change afterwards."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from consumption.models import Consumption, Counter, CounterPeriod, InputFile, Limit, TransactionSource
from tests.factories import ConsumptionFactory, TransactionSourceFactory

pytestmark = pytest.mark.django_db

REFUSED = {
    "an entry changed": lambda: Consumption.objects.update(number_of_units=2),
    "an entry deleted": lambda: Consumption.objects.all().delete(),
    "a counter given to another person": lambda: Counter.objects.update(person_code="other"),
    "a period moved": lambda: CounterPeriod.objects.update(start_date="2020-01-01"),
    "a limit renamed": lambda: Limit.objects.update(code="NEW"),
    "a limit of another type": lambda: Limit.objects.update(type=Limit.Type.SERVICE_DAYS),
    "a period deleted": lambda: CounterPeriod.objects.all()._raw_delete("default"),
    "a counter deleted": lambda: Counter.objects.all()._raw_delete("default"),
    "a limit deleted": lambda: Limit.objects.all()._raw_delete("default"),
    "a source deleted": lambda: TransactionSource.objects.all()._raw_delete("default"),
    "a file forgotten": lambda: InputFile.objects.all()._raw_delete("default"),
    "a file of other content": lambda: InputFile.objects.update(sha256="1" * 64),
    "a source renamed": lambda: TransactionSource.objects.update(code="NEW"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    file = InputFile.objects.create(sha256="0" * 64)
    ConsumptionFactory.create(
        transaction_source=TransactionSourceFactory.create(), external_id=None, input_file=file, input_line=1
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        REFUSED[case]()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_may_change() -> None:
    ConsumptionFactory.create()
    assert Limit.objects.update(description="Other words", reference=Limit.Reference.LIFETIME) == 1
    assert CounterPeriod.objects.update(total=3) == 1


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("consumption_consumption", "consumption_not_truncated"),
        ("consumption_counterperiod", "counter_period_not_truncated"),
        ("consumption_transactionsource", "transaction_source_not_truncated"),
        ("consumption_inputfile", "input_file_not_truncated"),
    ],
)
def test_truncate_is_refused(table: str, trigger: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(f"TRUNCATE {table}")
