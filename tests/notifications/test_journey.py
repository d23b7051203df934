"""The whole way: an export over HTTP, its event at a receiver, the job that the event carries, and its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from hypermedia.readers import Role
from jobs import registry, services
from jobs.callbacks.models import IntegrationJob
from jobs.errors import OperationFailed
from jobs.models import Task
from jobs.notifications.models import Delivery, NotificationEndpoint, NotificationEvent
from tests.callbacks.conftest import Integration
from tests.conftest import ApiClient, rel, rels
from tests.factories import ConsumptionFactory, UserFactory
from tests.notifications.conftest import send_all
from tests.notifications.receiver import Receiver

BATCHES = "/api/readconsumptionbatches"
BODY = {
    "transactionStartDateTime": {"value": "2024-01-01T00:00:00Z"},
    "transactionEndDateTime": {"value": "2024-12-31T00:00:00Z"},
}


@pytest.fixture
def owner(transactional_db: None) -> User:
    registry.store_task_types()
    return UserFactory.create(roles=[Role.OPERATOR])


def received(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(got.body) for got in receiver.got]


def test_completed_export(
    owner: User, receiver: Receiver, endpoint: NotificationEndpoint, testuser: ApiClient, work: Callable[[], None]
) -> None:
    ConsumptionFactory.create()
    batch = testuser.post(BATCHES, BODY)["Location"]
    assert not NotificationEvent.objects.exists()
    work()
    send_all()
    (event,) = received(receiver)
    assert (event["type"], event["topic"], list(event["timestamp"])) == (
        "ReadConsumptionBatch",
        "Notification",
        ["value"],
    )
    assert rels(event) == ["operator:subject", "datafileset", "file"]
    assert all(list(link) == ["rel", "href"] for link in event["links"])
    assert rel(event, "operator:subject") == batch
    assert testuser.get(batch).json()["status"] == "Completed"
    assert testuser.get(str(rel(event, "datafileset"))).status_code == 200
    assert b"".join(testuser.get(str(rel(event, "file"))).streaming_content).count(b"\n") == 2


def test_cancelled_failed_and_restarted(
    owner: User,
    receiver: Receiver,
    endpoint: NotificationEndpoint,
    operator: ApiClient,
    work: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = operator.post(BATCHES, BODY)["Location"]
    operator.delete(first)

    def fail(*_: Any) -> None:
        raise OperationFailed("CON-FA-009", "The disk is full.", "Try again.")

    second = operator.post(BATCHES, BODY)["Location"]
    with monkeypatch.context() as broken:
        broken.setattr("consumption.exporting.operation.wait_until_complete", fail)
        work()
    task = operator.get(str(rel(operator.get(second).json(), "operator"))).json()
    operator.post(str(rel(task, "operator:restart")))
    work()
    send_all()
    events = sorted(received(receiver), key=lambda event: event["timestamp"]["value"])
    assert [rel(event, "operator:subject") for event in events] == [first, second, second]
    assert [rels(event)[1:] for event in events] == [[], [], ["datafileset", "file"]]
    outcomes = NotificationEvent.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["Cancelled", "Failed", "Completed"]


def test_an_end_that_is_rolled_back_sends_nothing(owner: User, endpoint: NotificationEndpoint) -> None:
    from django.db import transaction

    from consumption.services import start_export
    from hypermedia.fields import parse_date_time

    moment = parse_date_time("2024-01-01T00:00:00Z")
    batch = start_export(user_id=owner.pk, transaction_start=moment, transaction_end=moment)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        services.cancel(task_id=batch.task_id, user_id=owner.pk)
        assert Delivery.objects.count() == 1
        _ = 1 / 0
    assert not NotificationEvent.objects.exists()
    assert Task.objects.get().status == "PENDING"


def test_integration_reports_back(
    owner: User,
    receiver: Receiver,
    endpoint_at: Callable[..., NotificationEndpoint],
    testuser: ApiClient,
    work: Callable[[], None],
) -> None:
    integration = Integration(UserFactory.create(roles=[Role.INTEGRATION]))
    endpoint_at(receiver.url, integration=integration.user.username)
    testuser.post(BATCHES, BODY)
    work()
    send_all()
    (event,) = received(receiver)
    assert integration.report("Started", job_id=event["jobId"])["status"] == 200
    assert integration.report("Completed", "all of it", job_id=event["jobId"])["status"] == 200
    job = IntegrationJob.objects.get()
    assert (job.status, job.message, job.job_id) == ("Completed", "all of it", event["jobId"])


def test_an_operation_without_events(owner: User, endpoint: NotificationEndpoint) -> None:
    from dataclasses import replace

    from config.wiring import event_types, store_event
    from consumption.exporting.operation import READ_CONSUMPTION_BATCH
    from jobs.states import TaskStatus

    quiet = replace(READ_CONSUMPTION_BATCH, sends_events=False)
    store_event(operation=quiet, subject_id=0, status=TaskStatus.COMPLETED, changes={})
    assert not NotificationEvent.objects.exists()
    assert "ReadConsumptionBatch" in event_types()
