"""A ledger that was restored into another cluster is refused until it is adopted."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection

from consumption.models import Consumption, LedgerCluster
from tests.factories import ConsumptionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def restored() -> None:
    """A ledger as it looks after a restore: of another cluster, with ids that this one has not given out yet."""
    LedgerCluster.objects.all().delete()
    LedgerCluster.objects.create(system_identifier="1234567890")
    ConsumptionFactory.create(transaction_id=2**40)


def visible() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_visible_in_snapshot(transaction_id, pg_current_snapshot()) FROM consumption_consumption"
        )
        return bool(cursor.fetchone()[0])


def adopt() -> str:
    output = io.StringIO()
    call_command("adopt_ledger", stdout=output)
    return output.getvalue()


def test_refused_until_adopted(restored: None) -> None:
    with pytest.raises(SystemCheckError, match="restored from another database cluster"):
        call_command("check", databases=["default"])
    assert not visible()
    assert "1 entries adopted" in adopt()
    call_command("check", databases=["default"])
    assert visible()
    assert "nothing was changed" in adopt()


def test_the_ledger_is_insert_only_again_afterwards(restored: None) -> None:
    adopt()
    with pytest.raises(Exception, match="insert-only"):
        Consumption.objects.update(number_of_units=2)
