"""Exports on the wire: the request's body, and the batch as the seed prints it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db.models import Case, F, QuerySet, When

from consumption.links import RESULT_LINKS
from consumption.models import Compression, ExportFormat, ReadConsumptionBatch
from hypermedia.database import row
from hypermedia.fields import ChoiceField, DateTimeValueField, ListField, TextField, date_time
from hypermedia.links import links_for
from hypermedia.messages import StrictSerializer
from hypermedia.readers import Reader
from jobs.serializers import dates, progress_document, technical
from jobs.states import OperationStatus

_MOST_CODES = 1000


class ReadConsumptionBatchInput(StrictSerializer):
    """The body of `POST readconsumptionbatches`. Which values fit together is the service's to say."""

    transactionStartDateTime = DateTimeValueField(source="transaction_start")  # noqa: N815  # the wire's names
    transactionEndDateTime = DateTimeValueField(source="transaction_end")  # noqa: N815
    limitCodes = ListField(  # noqa: N815
        source="limit_codes", child=TextField(max_length=60), required=False, allow_empty=False, max_length=_MOST_CODES
    )
    format = ChoiceField(choices=ExportFormat.choices, required=False)
    compression = ChoiceField(choices=Compression.choices, required=False)


class ReadBatchRow(NamedTuple):
    """What one SELECT brings of an export."""

    id: int
    created_by_id: int
    last_updated_by_id: int
    version: int
    status: str
    task_id: int
    creation_date: datetime
    last_updated_date: datetime
    transaction_start: datetime
    transaction_end: datetime
    limit_codes: list[str] | None
    format: str | None
    compression: str | None
    since_snapshot_at: datetime | None
    set_code: str | None
    rows_written: int
    rows_expected: int | None

    @property
    def path(self) -> str:
        return f"generic/readconsumptionbatches/{self.id}"


# A set that was deleted leads nowhere.
RESULT_SET_CODE = Case(When(data_file_set__deleted_at=None, then=F("data_file_set__code")))
_FIELDS = (*ReadBatchRow._fields[:-3], RESULT_SET_CODE, "task__rows_written", "task__rows_expected")


def read_batch_rows(batches: QuerySet[Any]) -> Iterable[ReadBatchRow]:
    return (ReadBatchRow(*row) for row in batches.values_list(*_FIELDS))


_ID, _OWNER = -1, -2  # stand for what is known only at the call


@cache
def _one_batch(sees_all: bool) -> tuple[str, tuple[int, ...]]:
    """The statement that reads one export, for who sees all or for its owner; `_ID` and `_OWNER` are its slots.

    Compiled once: a poll is the most frequent request there is, and the ORM takes longer to write it than PostgreSQL
    to answer it.
    """
    batches = ReadConsumptionBatch.objects.filter(pk=_ID)
    mine = batches if sees_all else batches.filter(created_by_id=_OWNER)
    return mine.values_list(*_FIELDS).query.sql_with_params()


def read_batch_row(pk: int, reader: Reader) -> ReadBatchRow | None:
    """One export as this reader sees it; None when it is not there, or not for this reader."""
    sql, slots = _one_batch(reader.sees_all)
    values = {_ID: pk, _OWNER: reader.user_id}
    found = row(sql, [values.get(slot, slot) for slot in slots])
    return None if found is None else ReadBatchRow._make(found)


def read_batch_document(batch: ReadBatchRow, reader: Reader) -> dict[str, Any]:
    """The batch with the seed's keys in the seed's order; optional properties only when they were sent."""
    document: dict[str, Any] = {
        **technical(batch, type_name="readConsumptionBatch", status=batch.status),
        "links": links_for(RESULT_LINKS, batch, reader),
        **dates(batch),
        "transactionEndDateTime": date_time(batch.transaction_end),
        "transactionStartDateTime": date_time(batch.transaction_start),
    }
    optional = {
        "limitCodes": batch.limit_codes,
        "format": batch.format,
        "compression": batch.compression,
        "sinceSnapshotDateTime": batch.since_snapshot_at and date_time(batch.since_snapshot_at),
    }
    document |= {name: value for name, value in optional.items() if value is not None}
    if batch.status == OperationStatus.IN_PROGRESS:
        document["progress"] = progress_document(batch.rows_written, batch.rows_expected)
    return document
