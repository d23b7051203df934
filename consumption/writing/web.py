"""Write batches over HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.db.models.expressions import Combinable
from django.http import HttpResponse
from rest_framework.request import Request

from consumption.entering import WRITERS
from consumption.links import RESULT_LINKS
from consumption.models import WriteConsumptionBatch
from consumption.serializers import RESULT_SET_CODE
from consumption.writing import operation
from datafiles import media
from datafiles.models import DataFile, DataFileSet
from hypermedia.collections import Collection, CollectionView, SearchView
from hypermedia.errors import NotFound, ResultMessage, RuleBroken
from hypermedia.fields import TextField
from hypermedia.links import href, links_for
from hypermedia.messages import StrictSerializer
from hypermedia.readers import Reader
from hypermedia.views import ResourceView
from jobs.collections import OPERATION_FIELDS
from jobs.idempotency import idempotent
from jobs.links import monitor_path
from jobs.serializers import dates, progress_document, technical
from jobs.states import OperationStatus
from jobs.views import RETRY_AFTER_SECONDS, WORKERS_AND_WATCHERS, OperationView
from jobs.waiting import until_ended

# Files that hold no rows of ours, whatever is in them.
_NOT_ROWS = {media.ZIP, media.XML, media.PARQUET}


class WriteConsumptionBatchInput(StrictSerializer):
    """The body of `POST writeconsumptionbatches`."""

    dataFileSetCode = TextField(source="code", max_length=60)  # noqa: N815  # the wire's name


class WriteBatchRow(NamedTuple):
    """What one SELECT brings of a write batch."""

    id: int
    created_by_id: int
    last_updated_by_id: int
    version: int
    status: str
    task_id: int
    creation_date: datetime
    last_updated_date: datetime
    rows_read: int
    rows_applied: int
    rows_rejected: int
    input_code: str
    set_code: str | None
    rows_written: int
    rows_expected: int | None

    @property
    def path(self) -> str:
        return f"generic/writeconsumptionbatches/{self.id}"


_JOINED: tuple[str | Combinable, ...] = (
    "input_set__code",
    RESULT_SET_CODE,
    "task__rows_written",
    "task__rows_expected",
)
_FIELDS = (*WriteBatchRow._fields[: -len(_JOINED)], *_JOINED)


def write_batch_rows(batches: QuerySet[Any]) -> Iterable[WriteBatchRow]:
    return (WriteBatchRow(*row) for row in batches.values_list(*_FIELDS))


def write_batch_document(batch: WriteBatchRow, reader: Reader) -> dict[str, Any]:
    """The batch; once it is completed, with what became of the rows."""
    document: dict[str, Any] = {
        **technical(batch, type_name="writeConsumptionBatch", status=batch.status),
        "links": links_for(RESULT_LINKS, batch, reader),
        **dates(batch),
        "dataFileSetCode": batch.input_code,
    }
    if batch.status == OperationStatus.COMPLETED:
        document |= {
            "rowsRead": batch.rows_read,
            "rowsApplied": batch.rows_applied,
            "rowsUnchanged": batch.rows_read - batch.rows_applied - batch.rows_rejected,
            "rowsRejected": batch.rows_rejected,
        }
    if batch.status == OperationStatus.IN_PROGRESS:
        document["progress"] = progress_document(batch.rows_written, batch.rows_expected)
    return document


WRITE_BATCHES: Collection[WriteBatchRow] = Collection(
    path="generic/writeconsumptionbatches",
    fields=OPERATION_FIELDS,
    visible=lambda reader: WriteConsumptionBatch.objects.all().visible_to(reader),
    everything=WriteConsumptionBatch.objects.all,
    rows=write_batch_rows,
    document=write_batch_document,
)


class StartWriteView(ResourceView):
    roles = {"POST": WRITERS}

    @until_ended
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        found = self._readable(self.read(WriteConsumptionBatchInput)["code"])
        batch = operation.start(user_id=self.reader.user_id, set_id=found.pk)
        return self.created(
            href(f"generic/writeconsumptionbatches/{batch.pk}"),
            {"Operation-Location": href(monitor_path(batch.task_id)), "Retry-After": str(RETRY_AFTER_SECONDS)},
        )

    def _readable(self, code: str) -> DataFileSet:
        """The set whose content the reader may read; anything else is as unknown as what is not there."""
        found = DataFileSet.objects.visible_to(self.reader).filter(code=code).first()
        if found is None or not self.reader.may_read_data(found.created_by_id):
            text = f"Data file set code {code} is unknown"
            raise RuleBroken(ResultMessage("DAT-IP-DAFI-003", text, "/dataFileSetCode"))
        if broken := list(_file_rules(list(found.data_files.all()))):
            raise RuleBroken(*broken)
        return found


def _file_rules(files: list[DataFile]) -> Iterable[ResultMessage]:
    if not files:
        yield ResultMessage("CON-IP-031", "The data file set has no file.", "/dataFileSetCode")
    for file in files:
        if not file.has_content:
            yield ResultMessage("CON-IP-031", f"The data file {file.code} has no content.", "/dataFileSetCode")
        elif file.media_type in _NOT_ROWS:
            text = f"The data file {file.code} is {file.media_type}; consumptions come as NDJSON or CSV."
            yield ResultMessage("CON-IP-032", text, "/dataFileSetCode")


class WriteBatchView(OperationView):
    model = WriteConsumptionBatch

    def find(self, pk: int) -> WriteBatchRow:
        visible = WriteConsumptionBatch.objects.all().visible_to(self.reader).filter(pk=pk)
        row = next(iter(write_batch_rows(visible)), None)
        if row is None:
            raise NotFound(f"There is no write consumption batch {pk}.")
        return row

    def answer_operation(self, row: WriteBatchRow, status: int = 200) -> HttpResponse:
        running = row.status == OperationStatus.IN_PROGRESS
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if running else {}
        return self.answer(write_batch_document(row, self.reader), version=row.version, status=status, headers=headers)


class WriteBatchesView(CollectionView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = WRITE_BATCHES


class WriteBatchSearchView(SearchView):
    roles = {"POST": WORKERS_AND_WATCHERS}
    collection = WRITE_BATCHES
