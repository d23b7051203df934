"""The collection of exports over HTTP."""

from __future__ import annotations

from consumption.models import ReadConsumptionBatch
from consumption.serializers import ReadBatchRow, read_batch_document, read_batch_rows
from hypermedia.collections import Collection, CollectionView, SearchView
from hypermedia.filters import DATE_TIME, Field
from jobs.collections import OPERATION_FIELDS
from jobs.views import WORKERS_AND_WATCHERS

READ_BATCHES: Collection[ReadBatchRow] = Collection(
    path="generic/readconsumptionbatches",
    fields={
        **OPERATION_FIELDS,
        "transactionStartDateTime": Field("transaction_start", DATE_TIME, sortable=True, ties=True),
        "transactionEndDateTime": Field("transaction_end", DATE_TIME, sortable=True, ties=True),
    },
    visible=lambda reader: ReadConsumptionBatch.objects.all().visible_to(reader),
    everything=ReadConsumptionBatch.objects.all,
    rows=read_batch_rows,
    document=read_batch_document,
)


class ReadBatchesView(CollectionView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = READ_BATCHES


class ReadBatchSearchView(SearchView):
    roles = {"POST": WORKERS_AND_WATCHERS}
    collection = READ_BATCHES
