"""What beat starts for the callback."""

from __future__ import annotations

from celery import shared_task

from jobs.callbacks import retention


@shared_task(name="jobs.callbacks.tasks.forget")
def forget() -> int:
    """Removes calls that were kept long enough; how many."""
    return retention.forget_reports()
