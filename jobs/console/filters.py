"""What lists of tasks and of operations can be narrowed by, besides the usual."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from hypermedia.narrowing import chosen_by
from jobs.models import Task
from jobs.states import OperationStatus


def _failed_operations(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(status=OperationStatus.FAILED, task__acknowledged=False)


def _failed_tasks(rows: QuerySet[Task]) -> QuerySet[Task]:
    return rows.filter(pk__in=Task.objects.needing_a_look().values("pk"))


def _lost_tasks(rows: QuerySet[Task]) -> QuerySet[Task]:
    return rows.filter(pk__in=Task.objects.expired().values("pk"))


_NEED = "failed, and nobody let it be"
OperationFailures = chosen_by("failures", "needs somebody", {"open": (_NEED, _failed_operations)})
TaskFailures = chosen_by(
    "failures", "needs somebody", {"open": (_NEED, _failed_tasks), "lost": ("lost its worker", _lost_tasks)}
)
