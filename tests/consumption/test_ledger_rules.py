"""What the database holds against everybody: nothing that was exported can change afterwards."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from consumption.models import Consumption, Counter, CounterPeriod, Limit, TransactionSource
from tests.factories import ConsumptionFactory, TransactionSourceFactory

pytestmark = pytest.mark.django_db

REFUSED = {
    "an entry changed": lambda: Consumption.objects.update(number_of_units=2),
    "an entry deleted": lambda: Consumption.objects.all().delete(),
    "a counter given to another person": lambda: Counter.objects.update(person_code="other"),
    "a period moved": lambda: CounterPeriod.objects.update(start_date="2020-01-01"),
    "a limit renamed": lambda: Limit.objects.update(code="NEW"),
    "a limit of another type": lambda: Limit.objects.update(type=Limit.Type.SERVICE_DAYS),
    "a source renamed": lambda: TransactionSource.objects.update(code="NEW"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    ConsumptionFactory.create(transaction_source=TransactionSourceFactory.create())
    with pytest.raises(DatabaseError), transaction.atomic():
        REFUSED[case]()


def test_what_may_change() -> None:
    ConsumptionFactory.create()
    assert Limit.objects.update(description="Other words", reference=Limit.Reference.LIFETIME) == 1
    assert CounterPeriod.objects.update(total=3) == 1


def test_truncate_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE consumption_consumption ENABLE TRIGGER consumption_not_truncated")
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("TRUNCATE consumption_consumption")
