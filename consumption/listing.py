"""Limits, counters, their periods and the ledger's entries over HTTP: one, or as collections.

Persons and families are data: who may not read data (an auditor) sees the limits only. Somebody with a list of limits
sees what belongs to these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from consumption.allowances import only_allowed
from consumption.documents import (
    CounterRow,
    EntryRow,
    LimitRow,
    PeriodRow,
    counter_document,
    counter_rows,
    entry_document,
    entry_rows,
    limit_document,
    limit_rows,
    period_document,
    period_rows,
)
from consumption.models import Consumption, Counter, CounterPeriod, Limit, TransactionSource
from hypermedia.collections import Collection, CollectionView, SearchView
from hypermedia.errors import NotFound
from hypermedia.filters import BOOLEAN, DATE, DATE_TIME, INTEGER, TEXT, Field, one_of
from hypermedia.readers import Reader
from hypermedia.views import ResourceView
from jobs.views import WORKERS, WORKERS_AND_WATCHERS

READ = "data.read"  # what the audit calls it
_ID = Field("id", INTEGER, sortable=True, rare=True)


def _visible(model: Any, limit: str) -> Callable[[Reader], QuerySet[Any]]:
    return lambda reader: only_allowed(model.objects.all(), limit, reader.user_id)


def _limits() -> QuerySet[Any]:
    return Limit.objects.all()


def _sources() -> QuerySet[Any]:
    return TransactionSource.objects.all()


def _of_counter(path: str = "") -> dict[str, Field]:
    """What is asked of a counter, wherever it is joined; its own indexes have limit and level before the id."""
    lead = not path
    return {
        "limitCode": Field(f"{path}limit_id", TEXT, looked_up=(_limits, "code"), leads=lead, indexed=True),
        "aggregationLevel": Field(f"{path}aggregation_level", one_of(*Counter.Level.values), leads=lead),
        "person.code": Field(f"{path}person_code", TEXT, rare=True),
        "familyCode": Field(f"{path}family_code", TEXT, rare=True),
    }


LIMITS: Collection[LimitRow] = Collection(
    path="generic/limits",
    fields={
        "id": _ID,
        "code": Field("code", TEXT, sortable=True),
        "limitType": Field("type", one_of(*Limit.Type.values)),
        "reference": Field("reference", one_of(*Limit.Reference.values)),
    },
    visible=_visible(Limit, "pk"),
    rows=limit_rows,
    document=limit_document,
)
COUNTERS: Collection[CounterRow] = Collection(
    path="generic/counters",
    fields={"id": _ID, **_of_counter()},
    visible=_visible(Counter, "limit"),
    rows=counter_rows,
    document=counter_document,
)
PERIODS: Collection[PeriodRow] = Collection(
    path="generic/counterperiods",
    fields={
        "id": _ID,
        "counterId": Field("counter_id", INTEGER, rare=True),
        **_of_counter("counter__"),
        "startDate": Field("start_date", DATE),
        "endDate": Field("end_date", DATE),
    },
    visible=_visible(CounterPeriod, "counter__limit"),
    rows=period_rows,
    document=period_document,
)
ENTRIES: Collection[EntryRow] = Collection(
    path="generic/consumptions",
    fields={
        "id": _ID,
        "transactionDateTime": Field("transaction_datetime", DATE_TIME, sortable=True),
        "counterPeriodId": Field("counter_period_id", INTEGER, rare=True),
        "counterId": Field("counter_period__counter_id", INTEGER, rare=True),
        **_of_counter("counter_period__counter__"),
        "limitCode": Field("limit_id", TEXT, looked_up=(_limits, "code"), leads=True),
        "serviceDate": Field("service_date", DATE, indexed=True),
        "externalId": Field("external_id", TEXT, rare=True),
        "transactionSourceCode": Field("transaction_source_id", TEXT, looked_up=(_sources, "code"), indexed=True),
        "withdrawn": Field("withdrawn", BOOLEAN, indexed=True),
    },
    visible=_visible(Consumption, "limit"),
    rows=entry_rows,
    document=entry_document,
)


class ItemView(ResourceView):
    """One row of a collection, by its id."""

    collection: ClassVar[Collection[Any]]
    name: ClassVar[str]

    def get(self, request: Request, pk: int) -> HttpResponse:
        visible = self.collection.visible(self.reader).filter(pk=pk)
        row = next(iter(self.collection.rows(visible)), None)
        if row is None:
            raise NotFound(f"There is no {self.name} {pk}.")
        return self.answer(self.collection.document(row, self.reader), version=1)


class DataView(CollectionView):
    """A page of what is data of persons: not for everybody, and on record."""

    roles = {"GET": WORKERS}
    audited = {"GET": READ}


class DataSearchView(SearchView):
    roles = {"POST": WORKERS}
    audited = {"POST": READ}


class DataItemView(ItemView):
    roles = {"GET": WORKERS}
    audited = {"GET": READ}


class LimitsView(CollectionView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = LIMITS


class LimitSearchView(SearchView):
    roles = {"POST": WORKERS_AND_WATCHERS}
    collection = LIMITS


class LimitView(ItemView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = LIMITS
    name = "limit"


class CountersView(DataView):
    collection = COUNTERS


class CounterSearchView(DataSearchView):
    collection = COUNTERS


class CounterView(DataItemView):
    collection = COUNTERS
    name = "counter"


class CounterPeriodsView(DataView):
    collection = PERIODS


class CounterPeriodSearchView(DataSearchView):
    collection = PERIODS


class CounterPeriodView(DataItemView):
    collection = PERIODS
    name = "counter period"


class ConsumptionsView(DataView):
    collection = ENTRIES


class ConsumptionSearchView(DataSearchView):
    collection = ENTRIES


class ConsumptionView(DataItemView):
    collection = ENTRIES
    name = "consumption"
