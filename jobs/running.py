"""One attempt at one task, from claim to end, as a worker makes it."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction

from jobs import services
from jobs.errors import LeaseLost, OperationFailed
from jobs.leases import Lease, connection_info
from jobs.models import Operation, Task
from jobs.services import Outcome

logger = logging.getLogger(__name__)


def nothing() -> None:
    """For results that have nothing to store, or nothing to take back."""


@dataclass(frozen=True)
class Result:
    """What a finished operation leaves. `record` stores it in the transaction that ends the operation; `discard` takes
    back what lies outside the database when that transaction is refused because the task is no longer ours."""

    record: Callable[[], Any] = nothing
    discard: Callable[[], Any] = nothing


class Run:
    """What the function of a long-running operation gets: the operation, its progress, and a way out."""

    def __init__(self, task: Task, operation: Operation, lease: Lease) -> None:
        self.task = task
        self.operation = operation
        self._lease = lease

    def connect(self, **overrides: Any) -> psycopg.Connection[Any]:
        """A database connection of its own for this attempt; its statement is cancelled when the lease is lost."""
        connection = psycopg.connect(
            connection_info(application_name=f"tallyport task {self.task.pk}", **overrides), autocommit=True
        )
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
        """Leaves an informative message with the operation, if the work is still ours."""
        with transaction.atomic():
            if not Task.objects.held(self.task.pk, self.task.epoch).select_for_update().exists():
                raise LeaseLost
            services.say(self.task.pk, services.Severity.INFORMATIVE, code, text)


def owner_name(process_id: int | None = None) -> str:
    """The worker that holds a lease: its host and its main process, whose children run the tasks."""
    return f"{socket.gethostname()}-{process_id or os.getppid()}"


def thread_code() -> str:
    """`host-process ( thread )` of this attempt."""
    thread = threading.current_thread()
    name = "main" if thread is threading.main_thread() else thread.name
    return f"{socket.gethostname()}-{os.getpid()} ( {name} )"


def run_task(*, task_id: int, celery_task_id: str = "") -> str | None:
    """Claims the task and runs it to an end; the outcome, or None when there was nothing to claim.

    An unexpected error is stored as a failure and then raised again, so that Celery's log of attempts has it too.
    """
    claimed_at = time.monotonic()
    task = services.claim(task_id=task_id, owner=owner_name(), thread_code=thread_code(), celery_task_id=celery_task_id)
    if task is None:
        return None
    logger.info("task %s: attempt %s of %s", task.pk, task.attempt_count, task.task_type.code)
    with Lease(task_id=task.pk, epoch=task.epoch, claimed_at=claimed_at) as lease:
        outcome = _attempt(task, lease)
    logger.info("task %s: %s", task.pk, outcome)
    return outcome


def _attempt(task: Task, lease: Lease) -> str:
    try:
        run = Run(task, task.operation.model.objects.get(task_id=task.pk), lease)
        _complete(task, task.operation.run(run))
        return Outcome.COMPLETED
    except Exception as error:
        if lease.lost or isinstance(error, LeaseLost):
            logger.warning("task %s: attempt given up, the task is no longer ours", task.pk)
            return Outcome.LOST
        return _ended_by(error, task)


def _complete(task: Task, result: Result) -> None:
    try:
        services.complete(task=task, record=result.record)
    except LeaseLost:
        result.discard()
        raise
    # Any other error leaves the files to the janitor: a commit whose answer was lost may have happened.


def _ended_by(error: Exception, task: Task) -> str:
    """Stores how the attempt went wrong. Raises the error again when nobody expected it."""
    if isinstance(error, (OperationalError, InterfaceError, psycopg.OperationalError)):
        return _database_lost(error, task)
    if isinstance(error, OperationFailed):
        _store(task, lambda: services.fail(task=task, code=error.code, text=error.text))
        return Outcome.FAILED
    if isinstance(error, SoftTimeLimitExceeded):
        text = (
            "The operation took longer than an operation may. A restart will not help as it is; "
            "ask for a shorter period or fewer limits."
        )
        _store(task, lambda: services.fail(task=task, code="TSK-FA-003", text=text))
        return Outcome.FAILED
    trace = traceback.format_exc()
    text = (
        f"The operation stopped because of an error that nobody expected ({type(error).__name__}). A restart can "
        "help when the cause was a passing one; if it happens again, an operator finds the details in the console."
    )
    _store(task, lambda: services.fail(task=task, code="TSK-FA-001", text=text, stack_trace=trace))
    raise error


def _database_lost(error: Exception, task: Task) -> str:
    """The database went away under the attempt: it is tried again, and the try counts."""
    logger.warning("task %s: the database went away (%s)", task.pk, type(error).__name__)
    text = f"The database connection was lost in attempt {task.attempt_count}."
    _store(task, lambda: services.try_again_or_fail(task=task, text=text))
    return Outcome.LOST


def _store(task: Task, change: Callable[[], Any]) -> None:
    """Makes the change; when the task is lost or the database away, the reaper will see to it."""
    try:
        change()
    except (LeaseLost, OperationalError, InterfaceError) as error:
        logger.warning("task %s: its end could not be stored (%s)", task.pk, type(error).__name__)
