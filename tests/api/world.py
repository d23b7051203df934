"""The people of the authorisation matrix and what each of them owns, one of everything in every state that matters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User
from django.db.models.functions import Now

from consumption.models import ReadConsumptionBatch, WriteConsumptionBatch
from consumption.services import start_export
from consumption.writing import operation
from datafiles import storage
from datafiles.models import DataFileSet
from datafiles.services import Content, store_set
from hypermedia.fields import parse_date_time
from hypermedia.readers import Role
from jobs import restarts, services
from jobs.callbacks.models import IntegrationJob
from jobs.models import InterfacedMessage, Task, TaskRestartBatch, TaskType
from jobs.notifications.models import Delivery, NotificationEvent
from jobs.notifications.services import create_endpoint
from tests.conftest import ApiClient
from tests.factories import ConsumptionFactory, UserFactory

PEOPLE = {
    "client": Role.CLIENT,
    "other": Role.CLIENT,
    "integration": Role.INTEGRATION,
    "operator": Role.OPERATOR,
    "auditor": Role.AUDITOR,
}
NOBODY = "nobody"
PERSONAS = (NOBODY, *PEOPLE)
ENDPOINT: dict[str, Any] = {
    "name": "claims",
    "url": "http://127.0.0.1:9/",
    "authentication": {"type": "none"},
    "event_types": ["*"],
}
CONTENT = b'{"type":"counter","id":1}\n{"type":"consumption","id":2}\n'


@dataclass(frozen=True)
class Belongings:
    """What one user owns. The auditor's and the integration's are from the time when they were clients."""

    running: ReadConsumptionBatch
    failed: ReadConsumptionBatch
    writing: WriteConsumptionBatch
    restarts: TaskRestartBatch
    completed: ReadConsumptionBatch
    data_file_set: DataFileSet
    job: IntegrationJob

    @cached_property
    def identifiers(self) -> dict[str, str]:
        """What stands in the addresses of these, by kind."""
        task_type = TaskType.objects.get(code="ReadConsumptionBatch")
        numbers = {
            "readconsumptionbatches": self.running.pk,
            "writeconsumptionbatches": self.writing.pk,
            "tasks": self.failed.task_id,
            "taskprocessing": self.failed.task_id,
            "taskrestartbatches": self.restarts.pk,
            "operations": self.failed.task_id,
            "interfacedmessages": InterfacedMessage.objects.get(task_id=self.failed.task_id).pk,
            "tables": task_type.table_id,
            "tasktypes": task_type.pk,
            "datafilesets": self.data_file_set.pk,
            "integrationjobs": self.job.pk,
        }
        codes = {
            "set": self.data_file_set.code,
            "file": self.data_file_set.data_files.get().code,
            "job": self.job.job_id,
        }
        return {**{kind: str(number) for kind, number in numbers.items()}, **codes}


@dataclass(frozen=True)
class World:
    """Everybody, and what is theirs."""

    users: dict[str, User]
    clients: dict[str, ApiClient]
    belongings: dict[str, Belongings]
    nobodys: dict[str, str]

    def identifiers(self, persona: str, ownership: str) -> dict[str, str]:
        """Of what is the persona's own, of what is somebody else's, or such as nobody's object has."""
        foreign = "other" if persona == "client" else "client"
        owner = foreign if ownership == "foreign" or persona == NOBODY else persona
        found = {**self.belongings[owner].identifiers, **self.nobodys}
        if ownership == "absent":
            return {kind: "999999999999" if value.isdigit() else "ABSENT" for kind, value in found.items()}
        return found


def make_world() -> World:
    users = {name: UserFactory.create(username=name, roles=[role]) for name, role in PEOPLE.items()}
    clients = {name: ApiClient(user) for name, user in users.items()}
    belongings = {name: make_belongings(user) for name, user in users.items()}
    exported = belongings["client"].completed.pk
    delivery = make_delivery(users["operator"], f"generic/readconsumptionbatches/{exported}")
    entry = ConsumptionFactory.create()
    nobodys = {
        "limits": str(entry.limit_id),
        "counters": str(entry.counter_period.counter_id),
        "counterperiods": str(entry.counter_period_id),
        "consumptions": str(entry.pk),
        "notificationendpoints": str(delivery.endpoint_id),
        "notificationevents": str(delivery.event_id),
        "notificationdeliveries": str(delivery.pk),
    }
    return World(users, {NOBODY: ApiClient(None), **clients}, belongings, nobodys)


def make_delivery(operator: User, subject: str = "generic/readconsumptionbatches/1", **changed: Any) -> Delivery:
    """An event on its way to an endpoint, which nobody owns."""
    endpoint, _secret = create_endpoint(user_id=operator.pk, **{**ENDPOINT, **changed})
    event = NotificationEvent.objects.create(
        type="ReadConsumptionBatch", subject=subject, body="{}", creation_date=Now()
    )
    return Delivery.objects.create(event=event, endpoint=endpoint)


def make_belongings(user: User) -> Belongings:
    return Belongings(
        running=start(user),
        failed=failed(user),
        writing=operation.start(user_id=user.pk, set_id=stored_set(user).pk),
        restarts=restarts.start(task_ids=[1], user_id=user.pk, of_anybody=False),
        completed=completed(user),
        data_file_set=stored_set(user),
        job=IntegrationJob.objects.create(integration=user),
    )


def start(user: User, **options: Any) -> ReadConsumptionBatch:
    """An export that no worker has looked at yet."""
    moments = {
        "transaction_start": parse_date_time("1970-10-11T14:04:41+01:00"),
        "transaction_end": parse_date_time("1970-10-11T14:04:42.509+01:00"),
    }
    return start_export(user_id=user.pk, **{**moments, **options})


def claimed(batch: ReadConsumptionBatch) -> Task:
    task = services.claim(task_id=batch.task_id, owner="w", thread_code="host-1 ( main )", celery_task_id="")
    assert task is not None
    return task


def failed(user: User) -> ReadConsumptionBatch:
    batch = start(user)
    services.fail(task=claimed(batch), code="TSK-FA-009", text="Broken on purpose. A restart can help.")
    return batch


def completed(user: User) -> ReadConsumptionBatch:
    batch, result = start(user), stored_set(user)
    services.complete(task=claimed(batch), record=lambda: {"data_file_set": result})
    return batch


def stored_set(user: User, content: bytes = CONTENT) -> DataFileSet:
    with storage.stage() as staged:
        staged.write(content)
        published = staged.publish(row_count=content.count(b"\n"))
    contents = [Content(published, "Export of counters and consumptions", "application/x-ndjson")]
    return store_set(owner_id=user.pk, description="An export", contents=contents)
