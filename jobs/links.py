"""Which link shows in which state, for the resources of the engine and for every long-running operation."""

from __future__ import annotations

from typing import Protocol

from hypermedia.links import SELF, Rule
from hypermedia.readers import Reader
from jobs.states import Move, OperationStatus, allowed_from


class TaskSubject(Protocol):
    """What the link rules ask of a task."""

    @property
    def id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def created_by_id(self) -> int: ...
    @property
    def subject_path(self) -> str | None: ...
    @property
    def interfaced_message_id(self) -> int: ...


class OperationSubject(Protocol):
    """What the link rules ask of an operation."""

    @property
    def id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def created_by_id(self) -> int: ...
    @property
    def task_id(self) -> int: ...
    @property
    def path(self) -> str: ...


def _may_restart(task: TaskSubject, reader: Reader) -> bool:
    return task.status in allowed_from(Move.RESTART) and reader.may_change(task.created_by_id)


TASK_LINKS: tuple[Rule[TaskSubject], ...] = (
    Rule(SELF, None, lambda task: task_path(task.id)),
    Rule("operator:messages", "GET", lambda task: messages_path(task.interfaced_message_id)),
    Rule("operator:restart", "POST", lambda task: f"taskprocessing/{task.id}/restart", _may_restart),
    # None when only another version of the service knows the type: the address would be dead here.
    Rule("operator:subject", "GET", lambda task: task.subject_path),
)


def _in_progress(operation: OperationSubject, reader: Reader) -> bool:
    return operation.status == OperationStatus.IN_PROGRESS


def _may_cancel(operation: OperationSubject, reader: Reader) -> bool:
    return _in_progress(operation, reader) and reader.may_change(operation.created_by_id)


# What every operation has; the app that owns it adds the links to its results.
OPERATION_LINKS: tuple[Rule[OperationSubject], ...] = (
    Rule(SELF, None, lambda operation: operation.path),
    Rule("operator", "GET", lambda operation: task_path(operation.task_id)),
    Rule("monitor", "GET", lambda operation: operation.path, _in_progress),
    Rule("cancel", "DELETE", lambda operation: operation.path, _may_cancel),
)


def task_path(task_id: int) -> str:
    return f"generic/tasks/{task_id}"


def messages_path(message_id: int) -> str:
    return f"generic/interfacedmessages/{message_id}"


def monitor_path(task_id: int) -> str:
    """The neutral monitor of an operation, for ready-made pollers."""
    return f"operations/{task_id}"
