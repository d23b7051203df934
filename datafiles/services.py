"""Making, finding and tidying data file sets."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from datafiles import storage
from datafiles.models import DataFile, DataFileSet
from datafiles.storage import Published

logger = logging.getLogger(__name__)

AT_ONCE = 500  # files that the janitor asks the database about


@dataclass(frozen=True)
class Content:
    """A published file and how it is described to clients."""

    published: Published
    description: str
    media_type: str


@transaction.atomic
def store_set(
    *,
    owner_id: int,
    description: str,
    contents: Sequence[Content],
    snapshot_at: datetime | None = None,
    totals: Sequence[Mapping[str, Any]] = (),
) -> DataFileSet:
    """The rows of a set whose files are published already; call it in the transaction that makes them known."""
    data_file_set = DataFileSet.objects.create(
        description=description,
        created_by_id=owner_id,
        last_updated_by_id=owner_id,
        snapshot_at=snapshot_at,
        totals=list(totals),
    )
    DataFile.objects.bulk_create(
        DataFile(
            data_file_set=data_file_set,
            description=content.description,
            media_type=content.media_type,
            storage_key=content.published.key,
            content_length=content.published.content_length,
            sha256=content.published.sha256,
            row_count=content.published.row_count,
            expires_at=Now() + settings.DATA_FILES_RETENTION,
        )
        for content in contents
    )
    return data_file_set


def tidy(*, older_than_seconds: float) -> int:
    """Removes bytes that no row knows: the leftovers of attempts that ended between rename and commit.

    The age keeps the files of attempts that are still on their way to their commit.
    """
    removed = 0
    for batch in batched(storage.older_than(older_than_seconds), AT_ONCE):
        known = set(
            DataFile.objects.filter(storage_key__in=[key for key, _ in batch]).values_list("storage_key", flat=True)
        )
        for key, staged in batch:
            if staged:
                storage.discard_staged(key)
            elif key not in known:
                storage.delete(key)
            else:
                continue
            removed += 1
    if removed:
        logger.info("janitor: %s leftover files removed", removed)
    return removed


def batched(items: Iterator[tuple[str, bool]], size: int) -> Iterator[list[tuple[str, bool]]]:
    """The items in lists of `size` (itertools.batched comes with Python 3.12)."""
    while batch := list(islice(items, size)):
        yield batch
