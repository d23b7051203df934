"""The console's pages of imports: what came in, what became of the rows, and the refused ones to download."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse

from consumption.console.operations import OperationAdmin
from consumption.models import WriteConsumptionBatch
from hypermedia.narrowing import PeriodFilter, UserFilter
from hypermedia.showing import anchor
from jobs.console.filters import OperationFailures
from jobs.states import OperationStatus


@admin.register(WriteConsumptionBatch)
class WriteConsumptionBatchAdmin(OperationAdmin):
    list_display = ("id", "chip", "progress", "input_set", "rows", "rejected", "age", "created_by", "attempt")
    list_filter = ("status", OperationFailures, PeriodFilter, UserFilter)
    list_select_related = ("task__task_type", "created_by", "input_set", "data_file_set")
    search_help_text = "Id of import, task, job or audit"

    @admin.display(description="refused")
    def rejected(self, batch: WriteConsumptionBatch) -> str:
        return f"{batch.rows_rejected:,}" if batch.status == OperationStatus.COMPLETED else ""

    def parameters(self, row: WriteConsumptionBatch) -> list[tuple[str, Any]]:
        page = reverse("admin:datafiles_datafileset_change", args=[row.input_set_id])
        asked: list[tuple[str, Any]] = [
            ("Data file set", anchor(page, row.input_set)),
            ("Rows written, over all attempts", f"{row.rows_applied:,}"),
        ]
        if row.status != OperationStatus.COMPLETED:
            return asked
        unchanged = row.rows_read - row.rows_applied - row.rows_rejected
        return [
            *asked,
            ("Rows read", f"{row.rows_read:,}"),
            ("There already", f"{unchanged:,}"),
            ("Refused", f"{row.rows_rejected:,}"),
        ]

    def request_body(self, row: WriteConsumptionBatch) -> dict[str, Any]:
        return {"dataFileSetCode": row.input_set.code}

    def post_path(self) -> str:
        return "writeconsumptionbatches"
