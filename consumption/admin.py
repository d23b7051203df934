"""Limits, sources and exports in the console."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from consumption.models import Limit, ReadConsumptionBatch, TransactionSource
from hypermedia.console import ConsoleAdmin, ReadOnlyAdmin
from jobs.states import OperationStatus

STATUS_COLOURS = {
    OperationStatus.IN_PROGRESS: "warning",
    OperationStatus.COMPLETED: "success",
    OperationStatus.FAILED: "danger",
}
# The database refuses to change these once they are there: exports print them.
_FIXED = {"code", "type", "currency"}


class FixedCodeAdmin(ConsoleAdmin):
    """Rows whose code and meaning stay once they are made."""

    ordering = ("code",)
    search_fields = ("code", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        return [] if obj is None else [field.name for field in self.model._meta.fields if field.name in _FIXED]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Limit)
class LimitAdmin(FixedCodeAdmin):
    list_display = ("code", "description", "type", "currency", "reference")
    list_filter = ("type", "reference")


@admin.register(TransactionSource)
class TransactionSourceAdmin(FixedCodeAdmin):
    list_display = ("code", "description")


@admin.register(ReadConsumptionBatch)
class ReadConsumptionBatchAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "chip",
        "limits",
        "transaction_start",
        "transaction_end",
        "rows",
        "created_by",
        "creation_date",
    )
    list_filter = ("status",)
    list_select_related = ("task", "created_by")
    ordering = ("-id",)
    search_fields = ("=id", "=task__id")

    @display(description="status", label=STATUS_COLOURS)
    def chip(self, batch: ReadConsumptionBatch) -> str:
        return batch.status

    @display(description="limits")
    def limits(self, batch: ReadConsumptionBatch) -> str:
        return "all" if batch.limit_codes is None else ", ".join(batch.limit_codes)

    @display(description="rows")
    def rows(self, batch: ReadConsumptionBatch) -> int:
        return batch.task.rows_written
