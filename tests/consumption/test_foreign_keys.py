"""Foreign keys that are checked at the end are the same afterwards, and still checked."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, connection

from consumption.foreign_keys import checked_at_the_end
from consumption.models import CounterPeriod
from tests.factories import CounterPeriodFactory

pytestmark = pytest.mark.django_db

TABLES = ["consumption_counter", "consumption_counterperiod", "consumption_consumption"]


def foreign_keys() -> set[tuple[str, str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])",
            [TABLES],
        )
        return set(cursor.fetchall())


def test_they_are_back_afterwards() -> None:
    before = foreign_keys()
    assert len(before) == 2
    with checked_at_the_end(*TABLES):
        assert foreign_keys() == set()
        CounterPeriodFactory.create()
    assert foreign_keys() == before


def test_a_row_that_refers_to_nothing_is_refused() -> None:
    with pytest.raises(IntegrityError, match="violates foreign key"), checked_at_the_end(*TABLES):
        CounterPeriod.objects.create(counter_id=-1, start_date=date(2024, 1, 1))
