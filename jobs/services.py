"""Starting, restarting, cancelling and ending operations. Each function is one transaction, and each change passes
through one conditional UPDATE of the task: whoever changes no row has lost and changes nothing else either."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from hypermedia.errors import NotFound
from jobs import registry
from jobs.doorbell import ring_on_commit
from jobs.errors import LeaseLost, WrongState
from jobs.models import InterfacedMessage, Message, Operation, Task, TaskAttempt, TaskQuerySet, TaskType
from jobs.signals import operation_ended
from jobs.states import Move, TaskStatus, leads_to

Severity = Message.Severity
Outcome = TaskAttempt.Outcome


@transaction.atomic
def start(*, operation: Operation, user_id: int) -> Operation:
    """Stores a new operation with its task and its (empty) messages, and rings for a worker once that is durable."""
    who = {"created_by_id": user_id, "last_updated_by_id": user_id}
    kind = registry.of_model(type(operation))
    task = Task.objects.create(
        task_type=TaskType.objects.get(code=kind.code), ring_again_at=Now() + _ring_delay(0), **who
    )
    operation.task = task
    operation.created_by_id = operation.last_updated_by_id = user_id
    operation.save(force_insert=True)
    Task.objects.filter(pk=task.pk).update(subject_id=operation.pk)
    InterfacedMessage.objects.create(task=task, **who)
    ring_on_commit(task.pk)
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
        rings=0,
        ring_again_at=Now() + _ring_delay(0),
    )
    task = _task(task_id)
    _operation_follows(task, last_updated_by_id=user_id)
    say(task_id, Severity.INFORMATIVE, "TSK-IN-001", "The operation was restarted.")
    ring_on_commit(task_id)
    return task


@transaction.atomic
def cancel(*, task_id: int, user_id: int) -> Task:
    """PENDING or PROCESSING -> CANCELLED, final at once: the epoch refuses whatever a worker still does.
    Raises NotFound, WrongState."""
    _move(task_id, Move.CANCEL, last_updated_by_id=user_id, epoch=F("epoch") + 1)
    task = _task(task_id)
    _close_attempts(task_id, Outcome.CANCELLED)
    say(task_id, Severity.INFORMATIVE, "TSK-IN-002", "The operation was cancelled.")
    _ended(task, last_updated_by_id=user_id)
    return task


@transaction.atomic
def claim(*, task_id: int, owner: str, thread_code: str, celery_task_id: str) -> Task | None:
    """The task, now PROCESSING and ours for one lease; None when it is not to be had."""
    task = Task.objects.claim(
        task_id, owner=owner, thread_code=thread_code, lease=timedelta(seconds=settings.LEASE_SECONDS)
    )
    if task is not None:
        TaskAttempt.objects.create(task=task, epoch=task.epoch, owner=owner, celery_task_id=celery_task_id)
    return task


@transaction.atomic
def complete(*, task: Task, record: Callable[[], Any] | None = None) -> None:
    """PROCESSING -> COMPLETED with everything that `record` stores, or LeaseLost and nothing at all."""
    _finish(task, Move.COMPLETE, Outcome.COMPLETED)
    if record is not None:
        record()


@transaction.atomic
def fail(*, task: Task, code: str, text: str, stack_trace: str = "") -> None:
    """PROCESSING -> ERRORED with a fatal message. Raises LeaseLost."""
    _finish(task, Move.ERROR, Outcome.FAILED, stack_trace=stack_trace)
    say(task.pk, Severity.FATAL, code, text)


def give_back_all(*, owner: str) -> int:
    """Gives back what a worker that is shutting down still holds, without spending an attempt."""
    held = Task.objects.filter(owner=owner, status=TaskStatus.PROCESSING).values_list("pk", "epoch")
    return sum(_give_back(task_id, epoch) for task_id, epoch in held)


@transaction.atomic
def _give_back(task_id: int, epoch: int) -> bool:
    moved = Task.objects.held(task_id, epoch).move(
        Move.GIVE_BACK,
        epoch=F("epoch") + 1,
        attempt_count=Greatest(F("attempt_count") - 1, 0),
        rings=0,
        ring_again_at=Now() + _ring_delay(0),
    )
    if moved:
        _close_attempts(task_id, Outcome.GIVEN_BACK)
        say(
            task_id, Severity.INFORMATIVE, "TSK-IN-003", "The worker was stopped; the operation waits for the next one."
        )
        ring_on_commit(task_id)
    return bool(moved)


def reap(*, limit: int = 100) -> int:
    """Takes tasks from workers that stopped renewing their lease: back to the queue, or ERRORED after three tries."""
    expired = Task.objects.expired().order_by("lease_expires_at").select_related("task_type")[:limit]
    return sum(
        _try_again_or_fail(
            Task.objects.expired().held(task.pk, task.epoch),
            task,
            f"The worker {task.thread_code} stopped answering in attempt {task.attempt_count}.",
        )
        for task in expired
    )


def try_again_or_fail(*, task: Task, text: str) -> bool:
    """For an attempt that something outside ended (`text` says what): back to the queue, or ERRORED after three."""
    return _try_again_or_fail(Task.objects.held(task.pk, task.epoch), task, text)


@transaction.atomic
def _try_again_or_fail(rows: TaskQuerySet, task: Task, text: str) -> bool:
    """`rows` holds the task under every condition that must still be true; the condition stands in the UPDATE."""
    last = task.attempt_count >= settings.MAX_ATTEMPTS
    if last:
        moved = rows.move(Move.ERROR, epoch=F("epoch") + 1, lease_expires_at=None)
    else:
        moved = rows.move(Move.GIVE_BACK, epoch=F("epoch") + 1, rings=0, ring_again_at=Now() + _ring_delay(0))
    if not moved:
        return False
    _close_attempts(task.pk, Outcome.LOST)
    if last:
        advice = f"{text} {task.attempt_count} attempts ended this way. A restart can help once the cause is mended."
        say(task.pk, Severity.FATAL, "TSK-FA-002", advice)
        task.status = TaskStatus.ERRORED
        _ended(task)
    else:
        say(task.pk, Severity.INFORMATIVE, "TSK-IN-004", f"{text} It will be tried again.")
        ring_on_commit(task.pk)
    return True


def tasks_to_ring(*, limit: int = 1000) -> list[int]:
    """Pending tasks whose message may be lost; each is due again later and later, so a long queue stays quiet."""
    with transaction.atomic():
        due = list(
            Task.objects.unclaimed()
            .order_by("ring_again_at")
            .select_for_update(skip_locked=True)
            .values_list("pk", "rings")[:limit]
        )
        by_rings: dict[int, list[int]] = {}
        for task_id, rings in due:
            by_rings.setdefault(rings, []).append(task_id)
        for rings, ids in by_rings.items():
            Task.objects.filter(pk__in=ids).update(rings=rings + 1, ring_again_at=Now() + _ring_delay(rings + 1))
    return [task_id for task_id, _ in due]


def say(task_id: int, severity: str, code: str, text: str) -> None:
    """Adds one line to the operation's messages."""
    held = InterfacedMessage.objects.filter(task_id=task_id)
    held.update(version=F("version") + 1, last_updated_date=Now())
    Message.objects.create(interfaced_message=held.get(), severity=severity, code=code, text=text)


def _ring_delay(rings: int) -> timedelta:
    """How long a message is trusted: doubles with each resend, at most 64 times."""
    return timedelta(seconds=settings.REPUBLISH_SECONDS * 2 ** min(rings, 6))


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


def _finish(task: Task, move: Move, outcome: str, stack_trace: str = "") -> None:
    if not Task.objects.held(task.pk, task.epoch).move(move, lease_expires_at=None):
        raise LeaseLost
    _close_attempts(task.pk, outcome, stack_trace=stack_trace)
    task.status = leads_to(move)
    _ended(task)


def _close_attempts(task_id: int, outcome: str, **values: Any) -> None:
    TaskAttempt.objects.filter(task_id=task_id, ended_at=None).update(ended_at=Now(), outcome=outcome, **values)


def _operation_follows(task: Task, **values: Any) -> None:
    task.operation.model.objects.filter(task_id=task.pk).follow(TaskStatus(task.status), **values)


def _ended(task: Task, **values: Any) -> None:
    _operation_follows(task, **values)
    operation_ended.send(sender=Task, operation=task.operation, task_id=task.pk, status=TaskStatus(task.status))
