"""Housekeeping of the trail."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from audit.models import Entry


@shared_task(name="audit.tasks.forget")
def forget() -> int:
    """Removes a bounded number of entries that were kept long enough; beat comes again."""
    return Entry.objects.forget(older_than=settings.AUDIT_RETENTION)
