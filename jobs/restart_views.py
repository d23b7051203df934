"""Bulk restarts over HTTP: `POST /taskprocessing/tasks/restart` and the status of such a restart."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request

from hypermedia.asking import FlagField, NumberField, read_parameters
from hypermedia.errors import NotFound
from hypermedia.fields import ListField
from hypermedia.links import SELF, href, link
from hypermedia.messages import StrictSerializer
from hypermedia.readers import Role
from hypermedia.views import ResourceView
from jobs import restarts
from jobs.idempotency import idempotent
from jobs.links import monitor_path, task_path
from jobs.models import TaskRestartBatch
from jobs.quotas import most_active
from jobs.states import OperationStatus
from jobs.views import RETRY_AFTER_SECONDS, WORKERS, WORKERS_AND_WATCHERS, running_task
from jobs.waiting import settled, until_ended

_MOST_IN_BODY = 10_000
_RESULT = ("taskId", "restarted", "code", "text")  # the order on the wire; the database keeps none


class TaskRestartInput(StrictSerializer):
    """The body; how many there may be is the service's to say, with its own codes."""

    taskIds = ListField(  # noqa: N815  # the wire's name
        source="task_ids", child=NumberField(1), required=False, default=list, max_length=_MOST_IN_BODY
    )


class TaskRestartParameters(StrictSerializer):
    dryRun = FlagField(source="dry_run", required=False, default=False)  # noqa: N815


def restart_document(batch: TaskRestartBatch) -> dict[str, Any]:
    """The restart as it stands. Once it is completed it has a result for each task, in the order asked for, and once it
    has ended a link to its own task, whose messages say more."""
    running = batch.status == OperationStatus.IN_PROGRESS
    document: dict[str, Any] = {"processing": running, "status": batch.status}
    if batch.status == OperationStatus.COMPLETED:
        document["results"] = [{key: one[key] for key in _RESULT if key in one} for one in batch.results]
    links = [link(SELF, restarts.TASK_RESTART_BATCH.path.format(id=batch.pk))]
    if not running:
        links.append(link("operator", task_path(batch.task_id), "GET"))
    return document | {"links": links}


class TasksRestartView(ResourceView):
    """`POST`: restarts many tasks; `?dryRun=true` only says what would be restarted, and what not and why."""

    roles = {"POST": WORKERS}
    serializer_class: type[serializers.Serializer[Any]] = TaskRestartInput

    @until_ended
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        asked = {
            **self.read(TaskRestartInput),
            "user_id": self.reader.user_id,
            "of_anybody": self.reader.has(Role.OPERATOR),
        }
        if read_parameters(request.GET, TaskRestartParameters)["dry_run"]:
            return self.answer({"dryRun": True, "results": restarts.preview(**asked)})
        batch = restarts.start(**asked, most_active=most_active(self.reader))
        document = restart_document(batch)
        headers = {
            "Location": document["links"][0]["href"],
            "Operation-Location": href(monitor_path(batch.task_id)),
            "Retry-After": str(RETRY_AFTER_SECONDS),
        }
        return self.answer(document, status=201, headers=headers)


class TaskRestartBatchView(ResourceView):
    """`GET`: how far a bulk restart is."""

    roles = {"GET": WORKERS_AND_WATCHERS}
    polled = True

    def find(self, pk: int) -> TaskRestartBatch:
        """Raises NotFound."""
        batch: TaskRestartBatch | None = TaskRestartBatch.objects.all().visible_to(self.reader).filter(pk=pk).first()
        if batch is None:
            raise NotFound(f"There is no bulk restart {pk}.")
        return batch

    def get(self, request: Request, pk: int) -> HttpResponse:
        batch = settled(self, lambda: self.find(pk), running_task)
        running = batch.status == OperationStatus.IN_PROGRESS
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if running else {}
        return self.answer(restart_document(batch), version=batch.version, headers=headers)
