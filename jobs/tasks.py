"""The Celery tasks. Each takes ids by keyword and does one step; none of them holds state."""

from __future__ import annotations

import logging
from itertools import takewhile
from typing import Any

from celery import shared_task
from celery.exceptions import Ignore
from django.db import InterfaceError, OperationalError

from hypermedia.sessions import KeepsSession
from jobs import heartbeats, recovery, retention, running
from jobs.connections import kept
from jobs.doorbell import ring
from jobs.models import KeptAnswer

logger = logging.getLogger(__name__)


class AttemptTask(KeepsSession):
    """Where one process runs attempts one after the other."""

    def before_start(self, *_: Any) -> None:
        if kept.on:
            super().before_start()

    def after_return(self, *_: Any) -> None:
        if kept.on:
            super().after_return()


@shared_task(name="jobs.tasks.run", bind=True, base=AttemptTask, ignore_result=False)
def run(self: Any, *, task_id: int) -> dict[str, Any]:
    """Runs one task if it still waits. A late or doubled message finds nothing to do and leaves no trace."""
    outcome = running.run_task(task_id=task_id, celery_task_id=str(self.request.id or ""))
    if outcome is None:
        logger.info("task %s: nothing to claim", task_id)
        raise Ignore
    return {"task": task_id, "outcome": outcome}


@shared_task(name="jobs.tasks.sweep")
def sweep() -> dict[str, int]:
    """Beat's knock: takes tasks from workers that fell silent, and rings again for those that nobody claimed."""
    try:
        reaped = recovery.reap()
        rung = list(takewhile(ring, recovery.tasks_to_ring()))  # when the broker is away, the rest stays due
        recovery.rung(rung)
    except (OperationalError, InterfaceError) as error:
        logger.warning("sweep: the database is away (%s)", type(error).__name__)
        raise Ignore from error
    if reaped or rung:
        logger.info("sweep: %s taken from silent workers, %s rung for again", reaped, len(rung))
    return {"reaped": reaped, "rung": len(rung)}


@shared_task(name="jobs.tasks.forget")
def forget() -> int:
    """Beat's knock: removes the answers whose `Idempotency-Key` is a day old, workers that were gone as long, and tasks
    that ended before TASK_RETENTION."""
    return KeptAnswer.objects.forget() + heartbeats.forget() + retention.forget_tasks()
