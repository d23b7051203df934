"""What operators do with a task in the console, also by way of the operation that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from audit.console.actions import Acting, Caution, NamedAction, NecessaryReasonForm
from jobs import services
from jobs.console.appearance import is_in_vain
from jobs.errors import WrongState
from jobs.models import Message, Task
from jobs.states import Move, TaskStatus, allowed_from

TaskOf = Callable[[Any], Task]


def restart_action(task_of: TaskOf) -> NamedAction:
    """Restarts the task of a row, through the service."""

    def act(row: Any, acting: Acting) -> str:
        services.restart(task_id=task_of(row).pk, user_id=acting.user_id)
        return f"{str(row).capitalize()} was restarted and waits for a worker."

    return NamedAction(
        name="restart",
        label="Restart",
        permission="jobs.restart_task",
        effect="The operation waits for a worker again and starts from the beginning, with a fresh snapshot.",
        act=act,
        refusal=_refusal(task_of, Move.RESTART),
        cautions=_why_they_failed(task_of),
        warning="Where it says “better not”, a restart would only fail again: what made it fail is still there.",
        form=NecessaryReasonForm,
        icon="restart_alt",
    )


def cancel_action(task_of: TaskOf) -> NamedAction:
    """Cancels the task of a row, through the service."""

    def act(row: Any, acting: Acting) -> str:
        services.cancel(task_id=task_of(row).pk, user_id=acting.user_id)
        return f"{str(row).capitalize()} was cancelled."

    return NamedAction(
        name="cancel",
        label="Cancel",
        permission="jobs.cancel_task",
        effect="The operation ends at once, and whoever asked for it is told so. What was written is thrown away.",
        act=act,
        refusal=_refusal(task_of, Move.CANCEL),
        form=NecessaryReasonForm,
        icon="cancel",
        is_final=True,
    )


def acknowledge_action(task_of: TaskOf) -> NamedAction:
    """Lets a failure be, through the service."""

    def act(row: Any, acting: Acting) -> str:
        services.acknowledge(task_id=task_of(row).pk, user_id=acting.user_id)
        return f"{str(row).capitalize()} is let be."

    def refusal(row: Any) -> str | None:
        task = task_of(row)
        if task.status != TaskStatus.ERRORED:
            return "It has not failed."
        return "Somebody has let it be already." if task.acknowledged else None

    return NamedAction(
        name="acknowledge",
        label="Let it be",
        permission="jobs.acknowledge_task",
        effect="Takes the failure from the list of what needs an operator. It can still be restarted.",
        act=act,
        refusal=refusal,
        form=NecessaryReasonForm,
        icon="task_alt",
    )


def _refusal(task_of: TaskOf, move: Move) -> Callable[[Any], str | None]:
    def refusal(row: Any) -> str | None:
        status = task_of(row).status
        return None if status in allowed_from(move) else str(WrongState(status, move))

    return refusal


def _why_they_failed(task_of: TaskOf) -> Callable[[list[Any]], dict[int, Caution]]:
    """What was said last of each, and whether a restart can help at all."""

    def cautions(rows: list[Any]) -> dict[int, Caution]:
        rows_of_tasks = {task_of(row).pk: row.pk for row in rows}
        fatal = Message.objects.filter(interfaced_message__task__in=rows_of_tasks, severity=Message.Severity.FATAL)
        newest = fatal.order_by("interfaced_message__task", "-pk").distinct("interfaced_message__task")
        wanted = ("interfaced_message__task", "interfaced_message__task__task_type__code", "code", "text")
        return {
            rows_of_tasks[task_id]: Caution(text, is_in_vain(task_type, code))
            for task_id, task_type, code, text in newest.values_list(*wanted)
        }

    return cautions
