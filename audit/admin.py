"""The trail in the console: to be read, never to be changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import Entry
from hypermedia.console import ReadOnlyAdmin


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Who did what, when, from where, with which result."""

    list_display = ("at", "who", "action", "subject", "result", "status", "address")
    list_filter = ("result",)
    ordering = ("-id",)
    search_fields = ("subject__startswith",)
    search_help_text = "How the subject begins, generic/tasks/12 for one"
    fields = ("at", "who", "action", "subject", "result", "status", "address", "request_id", "detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Entry.objects.with_username()

    @admin.display(description="who")
    def who(self, entry: Any) -> str:
        if entry.user_id is None:
            return "nobody known"
        return entry.username or f"user {entry.user_id}"
