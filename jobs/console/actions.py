"""What operators do with a task in the console, also by way of the operation that it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from audit.console.actions import Acting, NamedAction, NecessaryReasonForm
from jobs import services
from jobs.errors import WrongState
from jobs.models import Task
from jobs.states import Move, allowed_from

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


def _refusal(task_of: TaskOf, move: Move) -> Callable[[Any], str | None]:
    def refusal(row: Any) -> str | None:
        status = task_of(row).status
        return None if status in allowed_from(move) else str(WrongState(status, move))

    return refusal
