"""Starting, restarting, cancelling, claiming and ending operations. Each function is one transaction, and each change
passes through one conditional UPDATE of the task: whoever changes no row has lost and changes nothing else either."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.services import record
from hypermedia.database import prepared
from hypermedia.errors import Conflict, NotFound
from hypermedia.failpoints import hit
from jobs import claiming, finishing, quotas, registry
from jobs.doorbell import ring_on_commit
from jobs.errors import LeaseLost, WrongState
from jobs.models import InterfacedMessage, Message, Operation, Task, TaskAttempt
from jobs.new_operations import store
from jobs.signals import operation_ended
from jobs.states import Move, TaskStatus, leads_to

Severity = Message.Severity
Outcome = TaskAttempt.Outcome
Record = Callable[[], Mapping[str, Any]]
_CLOSE = """
    UPDATE jobs_taskattempt SET ended_at = statement_timestamp(), outcome = %s WHERE task_id = %s AND ended_at IS NULL
"""


@transaction.atomic
def start(*, operation: Operation, user_id: int, most_active: int | None = None) -> Operation:
    """Stores a new operation with its task and its (empty) messages, and rings for a worker once that is durable.

    Raises TooMany when `most_active` operations of the user are under way already.
    """
    kind = registry.of_model(type(operation))
    if most_active is not None:
        quotas.hold(user_id=user_id)
    if not store(operation=operation, code=kind.code, user_id=user_id, most_active=most_active):
        raise quotas.refusal(most_active)
    record("operation.start", user_id=user_id, subject=kind.path.format(id=operation.pk))
    ring_on_commit(operation.task_id)
    hit("start.commit")
    return operation


@transaction.atomic
def restart(*, task_id: int, user_id: int) -> Task:
    """ERRORED -> PENDING; of two at once exactly one wins. Raises NotFound, WrongState."""
    _move(
        task_id,
        Move.RESTART,
        last_updated_by_id=user_id,
        attempt_count=0,
        restart_count=F("restart_count") + 1,
        epoch=F("epoch") + 1,
        rows_written=0,
        rows_expected=None,
        acknowledged=False,
        **first_ring(),
    )
    task = _task(task_id)
    _operation_follows(task, last_updated_by_id=user_id)
    say(task_id, Severity.INFORMATIVE, "TSK-IN-001", "The operation was restarted.")
    record("operation.restart", user_id=user_id, subject=subject_of(task))
    ring_on_commit(task_id)
    return task


@transaction.atomic
def acknowledge(*, task_id: int, user_id: int) -> None:
    """Takes a failure from what needs an operator, until it is restarted and fails again. Raises NotFound, Conflict."""
    if not Task.objects.needing_a_look().filter(pk=task_id).update(acknowledged=True):
        if not Task.objects.filter(pk=task_id).exists():
            raise NotFound(f"There is no task {task_id}.")
        raise Conflict("The task has not failed, or somebody has let it be already. Nothing was changed.")
    record("operation.acknowledge", user_id=user_id, subject=subject_of(_task(task_id)))


@transaction.atomic
def cancel(*, task_id: int, user_id: int) -> Task:
    """PENDING or PROCESSING -> CANCELLED, final at once: the epoch refuses whatever a worker still does.
    Raises NotFound, WrongState."""
    _move(task_id, Move.CANCEL, last_updated_by_id=user_id, epoch=F("epoch") + 1)
    task = _task(task_id)
    close_attempts(task_id, Outcome.CANCELLED)
    say(task_id, Severity.INFORMATIVE, "TSK-IN-002", "The operation was cancelled.")
    ended(task, last_updated_by_id=user_id)
    record("operation.cancel", user_id=user_id, subject=subject_of(task))
    return task


def claim(*, task_id: int, owner: str, thread_code: str, celery_task_id: str) -> Task | None:
    """The task, now PROCESSING and ours for one lease; None when it is not to be had, or of a type that only a newer
    version of the service knows: a worker of that version takes it."""
    hit("claim.commit")
    return claiming.claim(
        task_id=task_id,
        owner=owner,
        thread_code=thread_code,
        celery_task_id=celery_task_id,
        lease=timedelta(seconds=settings.LEASE_SECONDS),
        known=[operation.code for operation in registry.all_operations()],
    )


@transaction.atomic
def complete(*, task: Task, record: Record | None = None, rows_written: int | None = None) -> None:
    """PROCESSING -> COMPLETED with everything that `record` stores, or LeaseLost and nothing at all. `record` returns
    what changes in the operation's own row. `rows_written`: the renewals of the lease store them only now and then."""
    _finish(task, Move.COMPLETE, Outcome.COMPLETED, record=record, rows_written=rows_written)


@transaction.atomic
def fail(*, task: Task, code: str, text: str, stack_trace: str = "") -> None:
    """PROCESSING -> ERRORED with a fatal message. Raises LeaseLost."""
    _finish(task, Move.ERROR, Outcome.FAILED, stack_trace=stack_trace)
    say(task.pk, Severity.FATAL, code, text)


def say(task_id: int, severity: str, code: str, text: str) -> None:
    """Adds one line to the operation's messages."""
    held = InterfacedMessage.objects.filter(task_id=task_id)
    held.update(version=F("version") + 1, last_updated_date=Now())
    Message.objects.create(interfaced_message=held.get(), severity=severity, code=code, text=text)


def first_ring() -> dict[str, Any]:
    """What a task that begins to wait gets: when its message, if nobody came for it, is sent again."""
    return {"rings": 0, "ring_again_at": Now() + timedelta(seconds=settings.REPUBLISH_SECONDS)}


def subject_of(task: Task) -> str:
    """What the audit calls an operation: its address below `/api/`."""
    return registry.subject_path(task.task_type.code, task.subject_id) or f"generic/tasks/{task.pk}"


def _task(task_id: int) -> Task:
    return Task.objects.select_related("task_type").get(pk=task_id)


def _move(task_id: int, move: Move, **values: Any) -> None:
    """One conditional UPDATE; no row changed means look and say why not."""
    if Task.objects.filter(pk=task_id).move(move, **values):
        return
    status = Task.objects.filter(pk=task_id).values_list("status", flat=True).first()
    if status is None:
        raise NotFound(f"There is no task {task_id}.")
    raise WrongState(status, move)


def _finish(
    task: Task,
    move: Move,
    outcome: str,
    *,
    stack_trace: str = "",
    record: Record | None = None,
    rows_written: int | None = None,
) -> None:
    if not finishing.finish(task, move, outcome=outcome, stack_trace=stack_trace, rows_written=rows_written):
        raise LeaseLost
    task.status = leads_to(move)
    changes = {} if record is None else record()  # before the end is told: whoever hears of it finds the results
    ended(task, **changes)
    hit("finish.commit")


def close_attempts(task_id: int, outcome: str) -> None:
    """Writes into the log of attempts how the current one ended; called when a task leaves PROCESSING and its worker
    does not end it."""
    with prepared() as cursor:
        cursor.execute(_CLOSE, [outcome, task_id])


def _operation_follows(task: Task, **values: Any) -> None:
    task.operation.model.objects.filter(task_id=task.pk).follow(TaskStatus(task.status), **values)


def ended(task: Task, **values: Any) -> None:
    """The operation follows its task, and whoever waits for ends hears of it; in the same transaction. `values`: what
    else changes in the operation's row."""
    _operation_follows(task, **values)
    operation_ended.send(
        sender=Task,
        operation=task.operation,
        task_id=task.pk,
        subject_id=task.subject_id,
        status=TaskStatus(task.status),
        changes=values,
    )
