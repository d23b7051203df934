"""What ended long ago is forgotten, with everything that hangs on it; what runs, or ended lately, stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from consumption.models import ReadConsumptionBatch
from datafiles.models import DataFileSet
from hypermedia.readers import Role
from jobs import restarts, retention
from jobs.callbacks.models import IntegrationJob, StatusReport
from jobs.callbacks.tasks import forget as forget_reports
from jobs.models import InterfacedMessage, Message, Task, TaskRestartBatch
from jobs.tasks import forget
from tests.api.world import completed, failed, start
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return UserFactory.create(username="client", roles=[Role.CLIENT])


def aged(days: float) -> None:
    Task.objects.update(last_updated_date=timezone.now() - timedelta(days=days))


def test_what_ended_goes_and_its_set_stays(user: User) -> None:
    ended = [completed(user), failed(user)]
    running = start(user)
    restarts.start(task_ids=[1], user_id=user.pk, of_anybody=False)
    aged(59)
    assert forget() == 0
    aged(61)
    assert forget() == 2
    assert list(ReadConsumptionBatch.objects.values_list("pk", flat=True)) == [running.pk]
    assert set(Task.objects.values_list("status", flat=True)) == {"PENDING"}
    assert InterfacedMessage.objects.count() == Task.objects.count() == 2
    assert not Message.objects.filter(interfaced_message__task_id__in=[one.task_id for one in ended]).exists()
    assert TaskRestartBatch.objects.count() == 1 and DataFileSet.objects.count() == 1


def test_in_steps(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(5):
        failed(user)
    aged(100)
    assert retention.forget_tasks() == 5
    assert not Task.objects.exists()


def test_calls_of_the_callback(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = IntegrationJob.objects.create(integration=user)
    for _ in range(3):
        StatusReport.objects.create(job=job, answered=200, verdict="applied", request_id="x")
    old = StatusReport.objects.order_by("pk")[:2]
    StatusReport.objects.filter(pk__in=[one.pk for one in old]).update(received_at=F("received_at") - timedelta(401))
    monkeypatch.setattr("jobs.callbacks.retention.AT_ONCE", 1)
    assert forget_reports() == 2
    assert StatusReport.objects.count() == 1
    assert forget_reports() == 0
    assert IntegrationJob.objects.count() == 1
