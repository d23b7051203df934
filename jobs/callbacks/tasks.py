"""What beat starts for the callback."""

from __future__ import annotations

from celery import shared_task

from jobs.callbacks import guesses, retention


@shared_task(name="jobs.callbacks.tasks.forget")
def forget() -> int:
    """Removes calls that were kept long enough, and failures that lock nobody out any more; how many."""
    return retention.forget_reports() + guesses.forget()
