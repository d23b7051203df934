"""The engine's routes: tasks, their types and tables, messages, restart, and the neutral monitor."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from hypermedia.errors import NotFound
from hypermedia.readers import Role
from hypermedia.views import ResourceView
from jobs import services
from jobs.models import InterfacedMessage, Operation, Task, TaskType
from jobs.serializers import (
    TaskRow,
    messages_document,
    monitor_document,
    table_document,
    task_document,
    task_rows,
    task_type_document,
    tasks_to_read,
)
from jobs.states import OperationStatus
from jobs.waiting import settled

WORKERS_AND_WATCHERS = (Role.CLIENT, Role.OPERATOR, Role.AUDITOR)
WORKERS = (Role.CLIENT, Role.OPERATOR)
RETRY_AFTER_SECONDS = 1


class TaskResource(ResourceView):
    """Anything about one task that the reader may see."""

    def find(self, task_id: int) -> TaskRow:
        """Raises NotFound, for foreign tasks exactly as for absent ones."""
        row = next(iter(task_rows(tasks_to_read(self.reader).filter(pk=task_id))), None)
        if row is None:
            raise NotFound(f"There is no task {task_id}.")
        return row

    def settled(self, task_id: int) -> TaskRow:
        """The same, once it has ended, for a client that would like to wait."""
        return settled(self, lambda: self.find(task_id), lambda task: task.id if task.is_active else None)

    def answer_task(self, task: TaskRow) -> HttpResponse:
        return self.answer(task_document(task, self.reader), version=task.version)


class TaskView(TaskResource):
    roles = {"GET": WORKERS_AND_WATCHERS}
    polled = True

    def get(self, request: Request, pk: int) -> HttpResponse:
        return self.answer_task(self.settled(pk))


class RestartView(TaskResource):
    roles = {"POST": WORKERS}

    def post(self, request: Request, pk: int) -> HttpResponse:
        self.read_nothing()
        found = self.find(pk)
        self.check_may_change(found.created_by_id)
        self.check_if_match(found.version)
        with transaction.atomic():
            task = services.restart(task_id=pk, user_id=self.reader.user_id)
            self.check_if_match(task.version - 1)
        return self.answer_task(self.find(pk))


class MonitorView(TaskResource):
    """The neutral monitor: `Running`, `Succeeded`, `Failed` or `Canceled`."""

    roles = {"GET": WORKERS_AND_WATCHERS}
    polled = True

    def get(self, request: Request, pk: int) -> HttpResponse:
        task = self.settled(pk)
        document = monitor_document(task)
        headers = {} if document["done"] else {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return self.answer(document, version=task.version, headers=headers)


class InterfacedMessageView(ResourceView):
    roles = {"GET": WORKERS_AND_WATCHERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        visible = Task.objects.visible_to(self.reader)
        held = (
            InterfacedMessage.objects.filter(pk=pk, task__in=visible)
            .select_related("task__task_type")
            .prefetch_related("messages")
            .first()
        )
        if held is None:
            raise NotFound(f"There are no messages {pk}.")
        return self.answer(messages_document(held, held.messages.all()), version=held.version)


class TableView(ResourceView):
    roles = {"GET": WORKERS_AND_WATCHERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        table = ContentType.objects.filter(pk=pk, pk__in=TaskType.objects.values("table")).first()
        if table is None:
            raise NotFound(f"There is no table {pk}.")
        return self.answer(table_document(table), version=1)


class TaskTypeView(ResourceView):
    roles = {"GET": WORKERS_AND_WATCHERS}

    def get(self, request: Request, pk: int) -> HttpResponse:
        task_type = TaskType.objects.filter(pk=pk).first()
        if task_type is None:
            raise NotFound(f"There is no task type {pk}.")
        return self.answer(task_type_document(task_type), version=1)


def running_task(row: Any) -> int | None:
    """The task of an operation that has not ended."""
    return row.task_id if row.status == OperationStatus.IN_PROGRESS else None


class OperationView(ResourceView):
    """One long-running operation: read it, cancel it. The app that owns the operation says how to read its row."""

    roles = {"GET": WORKERS_AND_WATCHERS, "DELETE": WORKERS}
    polled = True
    model: type[Operation]

    def find(self, pk: int) -> Any:
        """The row, in one statement; needs `version`, `status`, `created_by_id`, `task_id`. Raises NotFound."""
        raise NotImplementedError

    def answer_operation(self, row: Any, status: int = 200) -> HttpResponse:
        raise NotImplementedError

    def get(self, request: Request, pk: int) -> HttpResponseBase:
        return self.answer_operation(settled(self, lambda: self.find(pk), running_task))

    def delete(self, request: Request, pk: int) -> HttpResponseBase:
        row = self.find(pk)
        self.check_may_change(row.created_by_id)
        self.check_if_match(row.version)
        with transaction.atomic():
            services.cancel(task_id=row.task_id, user_id=self.reader.user_id)
            cancelled = self.find(pk)
            self.check_if_match(cancelled.version - 1)
        return self.answer_operation(cancelled, status=202)
