"""Housekeeping of log-ins to the console: sessions that ran out, and failures that shut nobody out any more."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from celery import shared_task
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.db.models.functions import Now

_AT_ONCE = 10_000  # rows; whoever guesses makes one with each name that he tries


@shared_task(name="config.tasks.forget_logins")
def forget_logins() -> int:
    """Removes a bounded number of rows; beat comes again."""
    over = Session.objects.filter(expire_date__lt=Now())
    failed = AccessAttempt.objects.filter(attempt_time__lt=Now() - settings.AXES_COOLOFF_TIME)
    return _remove(over) + _remove(failed)


def _remove(rows: QuerySet[Any]) -> int:
    removed, _ = rows.model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True)[:_AT_ONCE])).delete()
    return int(removed)
