"""Exports over HTTP."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from consumption import services
from consumption.models import ReadConsumptionBatch
from consumption.serializers import (
    ReadBatchRow,
    ReadConsumptionBatchInput,
    read_batch_document,
    read_batch_row,
)
from hypermedia.errors import NotFound
from hypermedia.links import href
from hypermedia.views import ResourceView
from jobs.idempotency import idempotent
from jobs.links import monitor_path
from jobs.quotas import most_active
from jobs.states import OperationStatus
from jobs.views import RETRY_AFTER_SECONDS, WORKERS, OperationView
from jobs.waiting import until_ended


class StartExportView(ResourceView):
    roles = {"POST": WORKERS}

    @until_ended
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        batch = services.start_export(
            user_id=self.reader.user_id, most_active=most_active(self.reader), **self.read(ReadConsumptionBatchInput)
        )
        return self.created(
            href(f"generic/readconsumptionbatches/{batch.pk}"),
            {"Operation-Location": href(monitor_path(batch.task_id)), "Retry-After": str(RETRY_AFTER_SECONDS)},
        )


class ReadBatchView(OperationView):
    model = ReadConsumptionBatch

    def find(self, pk: int) -> ReadBatchRow:
        row = read_batch_row(pk, self.reader)
        if row is None:
            raise NotFound(f"There is no read consumption batch {pk}.")
        return row

    def answer_operation(self, row: ReadBatchRow, status: int = 200) -> HttpResponse:
        running = row.status == OperationStatus.IN_PROGRESS
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if running else {}
        return self.answer(read_batch_document(row, self.reader), version=row.version, status=status, headers=headers)
