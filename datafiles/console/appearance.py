"""How data file sets look in the console, on their own page and on those of their operations."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from datafiles.models import DataFile, DataFileSet
from hypermedia.console import Panel, table
from hypermedia.showing import NOTHING, Tone, ago, anchor, chip, code, number, size

SHOWN = 500  # files on one page


def may_read_data(user: Any, data_file_set: DataFileSet) -> bool:
    """The bytes need a permission of their own, but for whoever asked for them."""
    return bool(user.pk == data_file_set.created_by_id or user.has_perm("datafiles.read_any_data"))


def files_panel(user: Any, data_file_set: DataFileSet | None) -> Panel:
    """The files with their checksums, and a way to each file's content for who may have it."""
    files = [] if data_file_set is None else list(data_file_set.data_files.all()[:SHOWN])
    may_read = data_file_set is not None and may_read_data(user, data_file_set)
    lines: list[list[Any]] = [
        [
            one.description or one.code,
            size(one.content_length),
            number(one.row_count),
            one.media_type,
            code(one.sha256),
            _expiry(one),
            _content(one, may_read),
        ]
        for one in files
    ]
    headings = ["File", "Size", "Rows", "Media type", "SHA-256", "Expires", "Content"]
    return table("files", "Files", headings, lines, empty="No file.")


def _expiry(data_file: DataFile) -> Any:
    return chip("removed", Tone.QUIET) if data_file.removed_at else ago(data_file.expires_at)


def _content(data_file: DataFile, may_read: bool) -> Any:
    if data_file.removed_at is not None:
        return NOTHING
    if not may_read:
        return "needs the permission to read data"
    address = reverse("admin:datafiles_datafileset_content", args=[data_file.data_file_set_id, data_file.pk])
    return anchor(address, "Download")
