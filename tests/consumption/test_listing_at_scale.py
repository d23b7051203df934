"""Pages of a big ledger: whatever is asked, a page looks at some hundred rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from consumption import sample
from consumption.listing import COUNTERS, ENTRIES, PERIODS
from consumption.models import Consumption, Counter, CounterPeriod
from hypermedia.collections import Collection
from hypermedia.readers import Reader, Role
from tests.api import test_collections_at_scale as scale
from tests.factories import LimitFactory, TransactionSourceFactory

ROWS = 50_000
READER = Reader(0, "operator", frozenset({Role.OPERATOR}))

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def ledger(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Made once, never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        sample.make(rows=ROWS)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "BIG", set(sample.TABLES))


def costs(collection: Collection[Any], **asked: Any) -> list[int]:
    """Of the first page and the one after it."""
    document, cost = scale.read(collection, READER, limit=20, **asked)
    assert document["items"]
    if not document["hasMore"]:
        return [cost]
    return [cost, scale.read(collection, READER, limit=20, cursor=scale.cursor_of(document), **asked)[1]]


# There are so few counters that reading all of them is as cheap.
@pytest.mark.parametrize("collection", [PERIODS, ENTRIES], ids=lambda collection: collection.path)
def test_the_default_order(collection: Collection[Any]) -> None:
    assert max(costs(collection)) <= scale.MOST_LOOKED_AT


@pytest.mark.parametrize("order", ["id:desc", "transactionDateTime", "transactionDateTime:desc"])
def test_orders_of_entries(order: str) -> None:
    assert max(costs(ENTRIES, order_by=order)) <= scale.MOST_LOOKED_AT


@pytest.mark.parametrize("collection", [COUNTERS, PERIODS, ENTRIES], ids=lambda collection: collection.path)
def test_somebody(collection: Collection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """As many rows as this person has, and no more. The few counters may be read to join them."""
    if collection is not COUNTERS:
        monkeypatch.setattr(scale, "BIG", scale.BIG - {Counter._meta.db_table})
    assert max(costs(collection, q="person.code.eq('SAMPLE-P000123')")) <= scale.MOST_LOOKED_AT


def test_a_period() -> None:
    period = CounterPeriod.objects.order_by("pk")[100].pk
    assert max(costs(ENTRIES, q=f"counterPeriodId.eq({period})")) <= scale.MOST_LOOKED_AT


@pytest.mark.parametrize("also", ["", "limitCode.eq('{}').and."])
def test_an_external_id(also: str) -> None:
    known = Consumption.objects.exclude(external_id=None).values_list("limit__code", "external_id")[1000]
    assert max(costs(ENTRIES, q=also.format(known[0]) + f"externalId.eq('{known[1]}')")) <= scale.MOST_LOOKED_AT


# What no row has would be a walk along all ids if no index knew it; of entries also what many have, and few.
NOBODYS = ("limitCode.eq('UNUSED')", "limitCode.eq('NONE')", "person.code.eq('NOBODY')", "familyCode.eq('NOBODY')")
OF_ENTRIES = (
    *("limitCode.eq('VERT')", "aggregationLevel.eq('PERSON')", "aggregationLevel.eq('FAMILY')"),
    *("externalId.eq('NONE')", "externalId.in('NONE','NOBODY')", "counterId.eq(9999999999)"),
    *("serviceDate.eq('2019-02-03')", "serviceDate.eq('1999-02-03')", "serviceDate.gt('2100-01-01')"),
    *("transactionSourceCode.eq('UNUSED')", "transactionSourceCode.eq('NONE')"),
    *("withdrawn.eq(true)", "withdrawn.eq(false)", "transactionDateTime.gt('2900-01-01T00:00:00Z')"),
    "limitCode.eq('UNUSED').and.serviceDate.eq('2019-02-03')",
)


@pytest.mark.parametrize(
    ("collection", "q"),
    [*((COUNTERS, q) for q in NOBODYS), *((ENTRIES, q) for q in (*NOBODYS, *OF_ENTRIES))],
    ids=lambda given: given if isinstance(given, str) else given.path,
)
def test_every_field_alone(collection: Collection[Any], q: str) -> None:
    LimitFactory.create(code="UNUSED")
    TransactionSourceFactory.create(code="UNUSED")
    assert scale.read(collection, READER, limit=20, q=q)[1] <= scale.MOST_WALKED
