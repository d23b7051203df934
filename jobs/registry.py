"""Which long-running operations exist. The apps above register theirs when they are ready.

A new operation costs a model (`jobs.models.Operation`), a serializer and a function, tied together by one
`register(...)`; nothing in this app changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.models import Operation
    from jobs.running import Result, Run


@dataclass(frozen=True)
class LongRunningOperation:
    """One kind of operation.

    `code` is the task type's code and the type of its notification events ("ReadConsumptionBatch"); `path` is where
    the resource lies below `/api/`, with `{id}` in it; `run` does the work and returns what to store with the end.
    `sends_events`: whether its ends are told to notification endpoints. `in_vain`: the codes of fatal messages after
    which a restart would only fail again.
    """

    code: str
    description: str
    model: type[Operation]
    path: str
    run: Callable[[Run], Result]
    sends_events: bool = True
    in_vain: frozenset[str] = frozenset()


_operations: dict[str, LongRunningOperation] = {}


def register(operation: LongRunningOperation) -> None:
    _operations[operation.code] = operation


def all_operations() -> list[LongRunningOperation]:
    return list(_operations.values())


def unregister(code: str) -> None:
    _operations.pop(code, None)


def get(code: str) -> LongRunningOperation:
    """The registered operation. Raises KeyError for a task type that this installation does not know."""
    return _operations[code]


def subject_path(code: str, subject_id: int | None) -> str | None:
    """Where the operation of a task lies below `/api/`; None when this installation does not know its type."""
    operation = _operations.get(code)
    return None if operation is None else operation.path.format(id=subject_id)


def of_model(model: type[Operation]) -> LongRunningOperation:
    return next(operation for operation in _operations.values() if operation.model is model)


def store_task_types(**_: Any) -> None:
    """Gives each registered operation its task type row; after migrations, so that links to them never break."""
    from jobs.models import TaskType

    for operation in _operations.values():
        TaskType.objects.store(operation)
