"""What the engine did and does, in numbers: the queue now, and the last 24 hours by the hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from jobs import heartbeats, processing
from jobs.models import Task, TaskAttempt
from jobs.states import OperationStatus, TaskStatus

COUNTED = 1_000  # nobody reads more than "1,000+" out of a number on a page
HOURS = 24
UNTOUCHED = timedelta(seconds=60)  # a waiting task that no worker looks at for so long has no worker


@dataclass(frozen=True)
class Queue:
    """`waiting_since` belongs to the task that waits longest; counts stop at `COUNTED`."""

    stopped: bool
    waiting: int
    running: int
    lost: int
    waiting_since: datetime | None
    last_claim: datetime | None
    workers: int

    @property
    def has_no_worker(self) -> bool:
        """No worker shows a sign of life; or work waits, none is done, and nobody has begun any for a while."""
        if not self.workers:
            return True
        if self.stopped or self.waiting_since is None or self.running:
            return False
        quiet_since = timezone.now() - UNTOUCHED
        return self.waiting_since < quiet_since and (self.last_claim is None or self.last_claim < quiet_since)


@dataclass(frozen=True)
class Hour:
    """The operations that ended in one hour. Times are from the request to the completed end, in seconds."""

    begins: datetime
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    rows: int = 0
    median: float | None = None
    slow: float | None = None  # 95 of 100 were faster


def bounded(rows: QuerySet[Task] | QuerySet[TaskAttempt]) -> int:
    """How many, up to `COUNTED`."""
    return rows.values("pk")[:COUNTED].count()


def queue() -> Queue:
    """The queue as it is now."""
    waiting = Task.objects.filter(status=TaskStatus.PENDING)
    running = Task.objects.filter(status=TaskStatus.PROCESSING)
    return Queue(
        stopped=processing.current().stopped,
        waiting=bounded(waiting),
        running=bounded(running.filter(lease_expires_at__gte=Now())),
        lost=bounded(Task.objects.expired()),
        waiting_since=waiting.order_by("pk").values_list("last_updated_date", flat=True).first(),
        workers=heartbeats.alive().get(settings.CELERY_TASK_DEFAULT_QUEUE, 0),
        last_claim=TaskAttempt.objects.order_by("-pk").values_list("started_at", flat=True).first(),
    )


_BY_HOUR = """
    SELECT date_trunc('hour', last_updated_date, 'UTC') AS hour,
           count(*) FILTER (WHERE status = 'COMPLETED'),
           count(*) FILTER (WHERE status = 'ERRORED'),
           count(*) FILTER (WHERE status = 'CANCELLED'),
           coalesce(sum(rows_written) FILTER (WHERE status = 'COMPLETED'), 0)::bigint,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM last_updated_date - creation_date))
               FILTER (WHERE status = 'COMPLETED'),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM last_updated_date - creation_date))
               FILTER (WHERE status = 'COMPLETED')
      FROM jobs_task
     WHERE last_updated_date >= %s AND status IN ('COMPLETED', 'ERRORED', 'CANCELLED')
     GROUP BY 1
"""


def last_day() -> list[Hour]:
    """The last 24 hours, the oldest first and the present one last."""
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [this_hour - timedelta(hours=ago) for ago in reversed(range(HOURS))]
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, [hours[0]])
        found = {row[0]: Hour(*row) for row in cursor.fetchall()}
    return [found.get(hour, Hour(hour)) for hour in hours]


def failed_lately(since: timedelta) -> dict[str, int]:
    """By task type, how many operations failed since then, and nobody restarted or let be; up to `COUNTED` each."""
    from jobs import registry

    return {
        kind.code: failed
        for kind in registry.all_operations()
        if (
            failed := kind.model.objects.filter(
                status=OperationStatus.FAILED,
                last_updated_date__gte=timezone.now() - since,
                task__acknowledged=False,
            )
            .values("pk")[:COUNTED]
            .count()
        )
    }
