"""Forgetting: bytes that nobody knows, files past their time, and much later the sets themselves. In small steps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, ForeignObjectRel, OuterRef, Q
from django.db.models.functions import Now

from datafiles import services, storage
from datafiles.models import DataFile, DataFileSet

logger = logging.getLogger(__name__)

AT_ONCE = 500  # rows in one step
MOST_STEPS = 100  # a run ends after these; the next one goes on


def tidy(*, older_than_seconds: float) -> int:
    """Removes bytes that no row knows: the leftovers of attempts that ended between rename and commit.

    The age keeps the files of attempts that are still on their way to their commit.
    """
    removed = 0
    for batch in _batched(storage.older_than(older_than_seconds), AT_ONCE):
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


def _batched(items: Iterator[tuple[str, bool]], size: int) -> Iterator[list[tuple[str, bool]]]:
    """The items in lists of `size` (itertools.batched comes with Python 3.12)."""
    while batch := list(islice(items, size)):
        yield batch


def purge() -> int:
    """Removes the bytes of files past their time, except what a hold keeps; how many files. Their rows stay."""
    return sum(_in_steps(_purge_step))


def _purge_step() -> int:
    """A set that somebody changes right now, or that an operation owns, is left to the next run."""
    with transaction.atomic():
        due = DataFile.objects.filter(removed_at=None, expires_at__lte=Now()).order_by("expires_at")
        free = due.filter(data_file_set__hold_reason="", data_file_set__locked=False)
        rows = list(
            free.select_related("data_file_set")
            .only("storage_key", "data_file_set__id")
            .select_for_update(of=("self", "data_file_set"), skip_locked=True)[:AT_ONCE]
        )
        DataFile.objects.filter(pk__in=[row.pk for row in rows]).update(removed_at=Now(), storage_key=None)
        touched = {row.data_file_set_id for row in rows}
        DataFileSet.objects.filter(pk__in=touched).update(version=F("version") + 1, last_updated_date=Now())
        services.drop_bytes([row.storage_key for row in rows if row.storage_key is not None])
    return len(rows)


def forget_sets() -> int:
    """Removes the rows of sets that nothing is left of, DATA_FILE_SETS_RETENTION after their last change; how many.

    Until then they answer 410, afterwards 404. What an operation still names, or a hold keeps, stays.
    """
    return sum(_in_steps(_forget_step))


@transaction.atomic
def _forget_step() -> int:
    files = DataFile.objects.filter(data_file_set=OuterRef("pk"))
    emptied = Exists(files) & ~Exists(files.filter(removed_at=None))
    old = DataFileSet.objects.filter(
        Q(deleted_at__isnull=False) | emptied,
        last_updated_date__lt=Now() - settings.DATA_FILE_SETS_RETENTION,
        hold_reason="",
        locked=False,
    )
    for relation in _operations():
        naming = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
        old = old.filter(~Exists(naming))
    chosen = old.order_by("last_updated_date").select_for_update(of=("self",), skip_locked=True)
    ids = list(chosen.values_list("pk", flat=True)[:AT_ONCE])
    DataFile.objects.filter(data_file_set__in=ids).delete()
    DataFileSet.objects.filter(pk__in=ids).delete()
    return len(ids)


def _operations() -> list[ForeignObjectRel]:
    """Which columns of other apps name sets: only they know."""
    fields = DataFileSet._meta.get_fields(include_hidden=True)
    return [one for one in fields if isinstance(one, ForeignObjectRel) and one.related_model is not DataFile]


def _in_steps(step: Callable[[], int]) -> Iterator[int]:
    for _ in range(MOST_STEPS):
        done = step()
        yield done
        if done < AT_ONCE:
            return
