"""Limits, sources and exports in the console."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from consumption import operation_pages
from consumption.models import Limit, TransactionSource
from hypermedia.console import ConsoleAdmin

__all__ = ["operation_pages"]  # registers its pages

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
