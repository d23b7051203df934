"""The engine's collections over HTTP: tasks, their types and tables, messages."""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from hypermedia.collections import CREATED_BY, Collection, CollectionView, SearchView
from hypermedia.filters import DATE_TIME, INTEGER, TEXT, Field, one_of
from hypermedia.readers import Reader
from jobs.models import InterfacedMessage, Task, TaskType
from jobs.serializers import (
    TaskRow,
    messages_document,
    table_document,
    task_document,
    task_rows,
    task_type_document,
    tasks_to_read,
)
from jobs.states import OperationStatus, TaskStatus
from jobs.views import WORKERS_AND_WATCHERS

# What every resource with technical columns can be searched by.
TECHNICAL_FIELDS = {
    "id": Field("id", INTEGER, sortable=True, rare=True),
    "createdBy": CREATED_BY,
    "creationDate": Field("creation_date", DATE_TIME, sortable=True),
    "lastUpdatedDate": Field("last_updated_date", DATE_TIME, sortable=True),
}
# And every long-running operation.
OPERATION_FIELDS = {
    **TECHNICAL_FIELDS,
    "status": Field("status", one_of(*OperationStatus), sortable=True, leads=True),
    "task.id": Field("task_id", INTEGER, rare=True),
}


def _task_types() -> QuerySet[Any]:
    return TaskType.objects.all()


def _visible_messages(reader: Reader) -> QuerySet[Any]:
    found = InterfacedMessage.objects.select_related("task__task_type").prefetch_related("messages")
    return found if reader.sees_all else found.filter(created_by_id=reader.user_id)


TASKS: Collection[TaskRow] = Collection(
    path="generic/tasks",
    fields={
        **TECHNICAL_FIELDS,
        "status": Field("status", one_of(*TaskStatus), sortable=True, leads=True),
        "subjectId": Field("subject_id", INTEGER, rare=True),
        "taskType.id": Field("task_type_id", INTEGER, indexed=True),
        "taskType.code": Field("task_type_id", TEXT, looked_up=(_task_types, "code"), indexed=True),
    },
    visible=tasks_to_read,
    everything=Task.objects.all,
    rows=task_rows,
    document=task_document,
)
MESSAGES: Collection[InterfacedMessage] = Collection(
    path="generic/interfacedmessages",
    fields={**TECHNICAL_FIELDS, "task.id": Field("task_id", INTEGER, rare=True)},
    visible=_visible_messages,
    everything=InterfacedMessage.objects.all,
    document=lambda held, reader: messages_document(held, held.messages.all()),
)
TASK_TYPES: Collection[TaskType] = Collection(
    path="generic/tasktypes",
    fields={"id": Field("id", INTEGER, sortable=True), "code": Field("code", TEXT, sortable=True)},
    visible=lambda reader: TaskType.objects.all(),
    document=lambda task_type, reader: task_type_document(task_type),
)
TABLES: Collection[ContentType] = Collection(
    path="generic/tables",
    fields={"id": Field("id", INTEGER, sortable=True)},
    visible=lambda reader: ContentType.objects.filter(pk__in=TaskType.objects.values("table")),
    document=lambda table, reader: table_document(table),
)


class TasksView(CollectionView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = TASKS


class TaskSearchView(SearchView):
    roles = {"POST": WORKERS_AND_WATCHERS}
    collection = TASKS


class InterfacedMessagesView(CollectionView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = MESSAGES


class InterfacedMessageSearchView(SearchView):
    roles = {"POST": WORKERS_AND_WATCHERS}
    collection = MESSAGES


class TaskTypesView(CollectionView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = TASK_TYPES


class TaskTypeSearchView(SearchView):
    roles = {"POST": WORKERS_AND_WATCHERS}
    collection = TASK_TYPES


class TablesView(CollectionView):
    roles = {"GET": WORKERS_AND_WATCHERS}
    collection = TABLES


class TableSearchView(SearchView):
    roles = {"POST": WORKERS_AND_WATCHERS}
    collection = TABLES
