"""What beat starts for the files."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from datafiles import retention


@shared_task(name="datafiles.tasks.tidy")
def tidy(*, older_than_seconds: float | None = None) -> int:
    """Removes leftover files; the number of files removed. Younger ones may belong to an attempt that still runs."""
    age = settings.LEFTOVER_SECONDS if older_than_seconds is None else older_than_seconds
    return retention.tidy(older_than_seconds=age)


@shared_task(name="datafiles.tasks.purge")
def purge() -> int:
    """Removes the bytes of files past their time, and sets of which nothing is left; the number of files."""
    files = retention.purge()
    retention.forget_sets()
    return files
