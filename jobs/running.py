"""One attempt at one task, from claim to end, as a worker makes it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction

from hypermedia.database import is_quiet
from hypermedia.failpoints import hit
from jobs import failed_attempts, services
from jobs.connections import kept
from jobs.errors import LeaseLost
from jobs.leases import Lease
from jobs.models import Operation, Task
from jobs.services import Outcome
from jobs.workers import OWNER, thread_code

logger = logging.getLogger(__name__)

LONG_SECONDS = 30.0


def nothing() -> dict[str, Any]:
    """For results that have nothing to store, or nothing to take back."""
    return {}


@dataclass(frozen=True)
class Result:
    """What a finished operation leaves. `record` stores it in the transaction that ends the operation, and returns what
    changes in the operation's own row; `discard` takes back what lies outside the database when that transaction is
    refused because the task is no longer ours. `rows`: how many were written in all, where that is known."""

    record: Callable[[], Mapping[str, Any]] = nothing
    discard: Callable[[], Any] = nothing
    rows: int | None = None


class Run:
    """What the function of a long-running operation gets: the operation, its progress, and a way out."""

    def __init__(self, task: Task, operation: Operation, lease: Lease) -> None:
        self.task = task
        self.operation = operation
        self._lease = lease

    def connect(self) -> psycopg.Connection[Any]:
        """A database connection for this attempt alone; its statement is cancelled when the lease is lost.
        Raises LeaseLost when it is already."""
        self._lease.check()
        connection = kept.take(f"tallyport task {self.task.pk}")
        self._lease.guards(connection)
        return connection

    def progress(self, written: int, expected: int | None = None) -> None:
        """How many rows are done, and how many there may be. Raises LeaseLost when the work is no longer ours."""
        self._lease.progress(written, expected)
        self._lease.check()

    def check(self) -> None:
        """Raises LeaseLost when the work is no longer ours; call it in every loop."""
        self._lease.check()

    def say(self, code: str, text: str) -> None:
        """Leaves an informative message with the operation. Raises LeaseLost when the work is no longer ours."""
        with transaction.atomic():
            if not Task.objects.held(self.task.pk, self.task.epoch).select_for_update().exists():
                raise LeaseLost
            services.say(self.task.pk, services.Severity.INFORMATIVE, code, text)


def run_task(*, task_id: int, celery_task_id: str = "") -> str | None:
    """Claims the task and runs it to an end; the outcome, or None when there was nothing to claim.

    An unexpected error is stored as a failure and then raised as UnexpectedError, so that Celery's log has it too.
    """
    claimed_at = time.monotonic()
    task = _claim(task_id, celery_task_id)
    if task is None:
        return None
    logger.info("task %s: attempt %s of %s", task.pk, task.attempt_count, task.task_type.code)
    with Lease(task_id=task.pk, epoch=task.epoch, claimed_at=claimed_at) as lease:
        outcome = _attempt(task, lease)
    if outcome == Outcome.LOST:
        kept.drop()  # a cancellation of its statement may still be on the way
    logger.info("task %s: %s", task.pk, outcome)
    return outcome


def _claim(task_id: int, celery_task_id: str) -> Task | None:
    """The task, or None when it is not to be had, or the database not: then the sweep rings again."""
    try:
        return services.claim(task_id=task_id, owner=OWNER, thread_code=thread_code(), celery_task_id=celery_task_id)
    except (OperationalError, InterfaceError) as error:
        connection.close()  # the next one who asks gets another one
        logger.warning("task %s: not claimed, the database is away (%s)", task_id, type(error).__name__)
        return None


def _attempt(task: Task, lease: Lease) -> str:
    try:
        hit("claimed")
        result = task.operation.run(Run(task, task.operation.model.objects.get(task_id=task.pk), lease))
        lease.finishing()
        if lease.age() > LONG_SECONDS or not is_quiet():
            connection.close()  # idle for as long as the work took: whatever stands in between may have cut it off
        _complete(task, result)
    except Exception as error:
        if lease.lost or isinstance(error, LeaseLost):
            logger.warning("task %s: attempt given up, the task is no longer ours", task.pk)
            return Outcome.LOST
        lease.finishing()
        return failed_attempts.store(error, task)
    hit("finished")
    return Outcome.COMPLETED


def _complete(task: Task, result: Result) -> None:
    try:
        services.complete(task=task, record=result.record, rows_written=result.rows)
    except LeaseLost:
        _discard(task, result)
        raise
    # Any other error leaves the files to the janitor: a commit whose answer was lost may have happened.


def _discard(task: Task, result: Result) -> None:
    try:
        result.discard()
    except Exception:  # whatever it is, the janitor comes by later
        logger.warning("task %s: what it left could not be removed", task.pk, exc_info=True)
