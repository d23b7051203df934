"""Restarting many tasks in one go: itself a long-running operation.

The restarts happen in the transaction that ends the operation. So either all of them are done and told, or the worker
was lost and none is: another attempt does not find its own restarts and call them refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, cast

from django.db.models import QuerySet

from hypermedia.errors import DomainError, NotFound, ResultMessage, RuleBroken
from jobs import registry, services
from jobs.errors import WrongState
from jobs.models import Task, TaskRestartBatch
from jobs.registry import LongRunningOperation
from jobs.running import Result, Run
from jobs.states import Move, allowed_from

MOST = 200


def start(
    *, task_ids: Sequence[int], user_id: int, of_anybody: bool, most_active: int | None = None
) -> TaskRestartBatch:
    """Stores a bulk restart of 1 to 200 tasks; `of_anybody`: not only of the user's own. Raises RuleBroken."""
    batch = TaskRestartBatch(task_ids=_checked(task_ids), of_anybody=of_anybody)
    services.start(operation=batch, user_id=user_id, most_active=most_active)
    return batch


def preview(*, task_ids: Sequence[int], user_id: int, of_anybody: bool) -> list[dict[str, Any]]:
    """What a bulk restart would do now: `{"taskId", "restartable"}`, and where not, `code` and `text`."""
    ids = _checked(task_ids)
    found = dict(_within_reach(ids, user_id, of_anybody).values_list("pk", "status"))
    return [{"taskId": task_id, **_outlook(task_id, found.get(task_id))} for task_id in ids]


def _outlook(task_id: int, status: str | None) -> dict[str, Any]:
    if status is None:
        return {"restartable": False, **_why(_unknown(task_id))}
    if status not in allowed_from(Move.RESTART):
        return {"restartable": False, **_why(WrongState(status, Move.RESTART))}
    return {"restartable": True}


def _checked(task_ids: Iterable[int]) -> list[int]:
    ids = list(dict.fromkeys(task_ids))
    if not ids:
        raise RuleBroken(ResultMessage("TSK-IP-003", "Give the ids of the tasks to restart.", "/taskIds"))
    if len(ids) > MOST:
        raise RuleBroken(ResultMessage("TSK-IP-004", f"At most {MOST} tasks are restarted in one go.", "/taskIds"))
    return ids


def _within_reach(ids: Iterable[int], user_id: int, of_anybody: bool) -> QuerySet[Task]:
    tasks = Task.objects.filter(pk__in=ids)
    return tasks if of_anybody else tasks.filter(created_by_id=user_id)


def _unknown(task_id: int) -> NotFound:
    return NotFound(f"There is no task {task_id}.")


def _why(error: DomainError) -> dict[str, str]:
    [message] = error.messages
    return {"code": message.code, "text": message.text}


def run(run: Run) -> Result:
    """The function of the operation; its work is in what it records."""
    return Result(record=partial(_restart_all, cast(TaskRestartBatch, run.operation)))


def _restart_all(batch: TaskRestartBatch) -> dict[str, Any]:
    reach = _within_reach(batch.task_ids, batch.created_by_id, batch.of_anybody)
    known = set(reach.values_list("pk", flat=True))
    # In the order of their ids, so that two bulk restarts never wait for each other in a circle.
    done = {task_id: _restart(task_id, batch.created_by_id, task_id in known) for task_id in sorted(batch.task_ids)}
    return {"results": [{"taskId": task_id, **done[task_id]} for task_id in batch.task_ids]}


def _restart(task_id: int, user_id: int, known: bool) -> dict[str, Any]:
    try:
        if not known:
            raise _unknown(task_id)
        services.restart(task_id=task_id, user_id=user_id)
    except DomainError as error:
        return {"restarted": False, **_why(error)}
    return {"restarted": True}


TASK_RESTART_BATCH = LongRunningOperation(
    code="TaskRestartBatch",
    description="Restart of many tasks",
    model=TaskRestartBatch,
    path="taskprocessing/taskrestartbatches/{id}/status",
    run=run,
    sends_events=False,
)
registry.register(TASK_RESTART_BATCH)
