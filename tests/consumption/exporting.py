"""Runs exports as a worker does, and reads their files."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import zstandard

from consumption.models import ReadConsumptionBatch
from consumption.services import start_export
from datafiles import storage
from datafiles.models import DataFile
from hypermedia.readers import Role
from jobs.models import Message
from jobs.running import run_task
from jobs.states import OperationStatus
from tests.factories import UserFactory

START, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class File:
    description: str
    media_type: str
    rows: int | None
    content: bytes
    name: str

    @property
    def plain(self) -> bytes:
        """Without the compression that the media type tells of."""
        if self.media_type == "application/gzip":
            return gzip.decompress(self.content)
        if self.media_type == "application/zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(self.content)
        return self.content


def run_export(**wanted: Any) -> ReadConsumptionBatch:
    """A completed export, by default of everything in this millennium."""
    owner = UserFactory.create(roles=[Role.CLIENT])
    window = {"transaction_start": START, "transaction_end": END}
    batch = start_export(user_id=owner.pk, **{**window, **wanted})
    run_task(task_id=batch.task_id)
    batch = ReadConsumptionBatch.objects.get(pk=batch.pk)
    assert batch.status == OperationStatus.COMPLETED, list(Message.objects.values_list("text", flat=True))
    return batch


def files(**wanted: Any) -> list[File]:
    """The files of such an export, in their order."""
    found = DataFile.objects.filter(data_file_set=run_export(**wanted).data_file_set).order_by("pk")
    return [
        File(
            one.description,
            one.media_type,
            one.row_count,
            b"".join(storage.open_range(one.storage_key, 0, one.content_length)),
            one.file_name.removeprefix(one.code),
        )
        for one in found
    ]
