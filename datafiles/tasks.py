"""What beat starts for the files."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from datafiles import services


@shared_task(name="datafiles.tasks.tidy")
def tidy() -> int:
    """Removes leftover files; the number of files removed."""
    return services.tidy(older_than_seconds=settings.LEFTOVER_SECONDS)
