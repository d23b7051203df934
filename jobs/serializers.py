"""The engine's resources as documents. Rows become dicts by hand: a poll is the most frequent request there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, cast

from django.contrib.contenttypes.models import ContentType

from hypermedia.fields import date_time
from hypermedia.links import SELF, link, links_for, reference
from hypermedia.readers import Reader
from jobs import registry
from jobs.links import TASK_LINKS, messages_path, task_path
from jobs.models import InterfacedMessage, Message, Task, TaskQuerySet, TaskType
from jobs.states import ACTIVE, TaskStatus


class TaskRow(NamedTuple):
    """What one SELECT brings of a task."""

    id: int
    created_by_id: int
    last_updated_by_id: int
    version: int
    status: str
    subject_id: int
    thread_code: str
    attempt_count: int
    restart_count: int
    creation_date: datetime
    last_updated_date: datetime
    task_type_id: int
    type_code: str
    table_id: int
    interfaced_message_id: int

    @property
    def subject_path(self) -> str | None:
        return registry.subject_path(self.type_code, self.subject_id)

    @property
    def is_active(self) -> bool:
        return TaskStatus(self.status) in ACTIVE


_TASK_FIELDS = (
    *TaskRow._fields[:-3],
    "task_type__code",
    "task_type__table_id",
    "interfaced_message__id",
)


@cache
def _tasks() -> TaskQuerySet:
    """Put together once: to name the columns takes longer than to read a row."""
    return cast(TaskQuerySet, Task.objects.values_list(*_TASK_FIELDS))


def tasks_to_read(reader: Reader) -> TaskQuerySet:
    """What a reader may see, with the columns of a `TaskRow`."""
    return _tasks().all().visible_to(reader)


def task_rows(rows: Iterable[Any]) -> Iterator[TaskRow]:
    return (TaskRow(*row) for row in rows)


def task_document(task: TaskRow, reader: Reader) -> dict[str, Any]:
    """The task as the seed prints it; the attempts are left out until the first restart."""
    document: dict[str, Any] = {"type": "task", "id": task.id, "createdBy": task.created_by_id}
    if task.restart_count:
        document["currentAttemptCount"] = task.attempt_count
    document |= {
        "lastUpdatedBy": task.last_updated_by_id,
        "objectVersionNumber": task.version,
        "status": task.status,
        "subjectId": task.subject_id,
    }
    if task.thread_code:
        document["threadCode"] = task.thread_code
    return document | {
        "links": links_for(TASK_LINKS, task, reader),
        "creationDate": date_time(task.creation_date),
        "lastUpdatedDate": date_time(task.last_updated_date),
        "table": reference(task.table_id, f"generic/tables/{task.table_id}"),
        "taskType": reference(task.task_type_id, f"generic/tasktypes/{task.task_type_id}"),
    }


def technical(row: Any, *, type_name: str, status: str | None = None) -> dict[str, Any]:
    """The head of a resource: type, id and the technical scalars in the seed's order."""
    document = {
        "type": type_name,
        "id": row.id,
        "createdBy": row.created_by_id,
        "lastUpdatedBy": row.last_updated_by_id,
        "objectVersionNumber": row.version,
    }
    if status is not None:
        document["status"] = status
    return document


def dates(row: Any) -> dict[str, Any]:
    return {"creationDate": date_time(row.creation_date), "lastUpdatedDate": date_time(row.last_updated_date)}


def progress_document(written: int, expected: int | None) -> dict[str, int]:
    """Rows done and expected; the expectation is a guess, so the percentage stops at 99 until the end."""
    document = {"rowsWritten": written}
    if expected:
        document |= {"rowsExpected": expected, "percent": min(99, 100 * written // expected)}
    return document


def _subject_links(path: str | None) -> list[dict[str, str]]:
    """The way to the operation; none when only another version of the service knows its type."""
    return [] if path is None else [link("operator:subject", path, "GET")]


def messages_document(held: InterfacedMessage, messages: Iterable[Message]) -> dict[str, Any]:
    task = held.task
    return {
        **technical(held, type_name="interfacedMessage"),
        "links": [
            link(SELF, messages_path(held.pk)),
            link("operator", task_path(task.pk), "GET"),
            *_subject_links(registry.subject_path(task.task_type.code, task.subject_id)),
        ],
        **dates(held),
        "messages": [
            {
                "severity": message.severity,
                "code": message.code,
                "text": message.text,
                "creationDate": date_time(message.creation_date),
            }
            for message in messages
        ],
    }


def table_document(table: ContentType) -> dict[str, Any]:
    model = table.model_class()
    name = model._meta.db_table if model is not None else f"{table.app_label}_{table.model}"
    return {
        "type": "table",
        "id": table.pk,
        "links": [link(SELF, f"generic/tables/{table.pk}")],
        "name": name.upper(),
    }


def task_type_document(task_type: TaskType) -> dict[str, Any]:
    return {
        "type": "taskType",
        "id": task_type.pk,
        "links": [link(SELF, f"generic/tasktypes/{task_type.pk}")],
        "code": task_type.code,
        "description": task_type.description,
    }


# The neutral monitor's words, which ready-made pollers know.
MONITOR_STATUS = {
    TaskStatus.PENDING: "Running",
    TaskStatus.PROCESSING: "Running",
    TaskStatus.COMPLETED: "Succeeded",
    TaskStatus.ERRORED: "Failed",
    TaskStatus.CANCELLED: "Canceled",
}


def monitor_document(task: TaskRow) -> dict[str, Any]:
    """The operation in the words that ready-made pollers know; the resource itself is one link away."""
    status = MONITOR_STATUS[TaskStatus(task.status)]
    path = f"operations/{task.id}"
    subject = _subject_links(task.subject_path)
    return {
        "type": "operation",
        "id": task.id,
        "status": status,
        "done": status != "Running",
        **({"resourceLocation": subject[0]["href"]} if subject else {}),
        "links": [link(SELF, path), *subject, link("operator", task_path(task.id), "GET")],
        **dates(task),
    }
