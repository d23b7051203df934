"""What lists of tasks and of operations can be narrowed by."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from hypermedia.narrowing import SelectFilter
from jobs.models import Task
from jobs.states import OperationStatus


class FailuresFilter(SelectFilter):
    """The failures that need somebody: not restarted, and not let be."""

    title = "failures"
    parameter_name = "failures"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "that need somebody")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "open":
            return queryset
        if queryset.model is Task:
            return queryset.filter(pk__in=Task.objects.needing_a_look().values("pk"))
        return queryset.filter(status=OperationStatus.FAILED, task__acknowledged=False)
