"""Data file sets in the console. Their bytes are not shown here."""

from __future__ import annotations

from django.contrib import admin

from datafiles.models import DataFile, DataFileSet
from hypermedia.console import ReadOnlyAdmin, ReadOnlyInline


class DataFileInline(ReadOnlyInline):
    model = DataFile
    fields = readonly_fields = (
        "code",
        "description",
        "media_type",
        "content_length",
        "row_count",
        "sha256",
        "expires_at",
        "removed_at",
    )


@admin.register(DataFileSet)
class DataFileSetAdmin(ReadOnlyAdmin):
    list_display = ("code", "description", "locked", "created_by", "creation_date")
    list_select_related = ("created_by",)
    ordering = ("-id",)
    search_fields = ("=code",)
    inlines = (DataFileInline,)
