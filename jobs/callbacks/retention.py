"""Forgetting calls of the callback, after a time. In small steps."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone

from jobs.callbacks.models import StatusReport

AT_ONCE = 500
MOST_STEPS = 100  # a run ends after these; the next one goes on


def forget_reports() -> int:
    """Removes calls older than AUDIT_RETENTION; how many. What they made of their jobs stays with the jobs."""
    gone = 0
    for _ in range(MOST_STEPS):
        step = _step()
        gone += step
        if step < AT_ONCE:
            break
    return gone


def _step() -> int:
    """The ids rise with the time, so the oldest are the first, and no index is needed to find them."""
    limit = timezone.now() - settings.AUDIT_RETENTION
    oldest = StatusReport.objects.order_by("pk").values_list("pk", "received_at")[:AT_ONCE]
    old = [pk for pk, received_at in oldest if received_at < limit]
    StatusReport.objects.filter(pk__in=old).delete()
    return len(old)
