"""The queue's switch: what stops, what goes on, and who may turn it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from hypermedia.readers import Role
from jobs import processing, recovery
from jobs.models import Task, TaskType
from jobs.states import TaskStatus
from tests.api.world import claimed, start
from tests.conftest import ApiClient, rel, rels
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return UserFactory.create(roles=[Role.CLIENT])


def turn(operator: ApiClient, action: str) -> Any:
    answer = operator.post(f"/api/taskprocessing?action={action}")
    assert answer.status_code == 200
    return answer.json()


def test_started_until_somebody_stops_it(operator: ApiClient) -> None:
    answer = operator.get("/api/taskprocessing")
    assert list(answer.json().items()) == [
        ("status", "started"),
        ("statistics", {"waiting": 0, "ready": 0, "expired": 0}),
        (
            "links",
            [
                {"href": "http://localhost:9998/api/taskprocessing", "rel": "self"},
                {
                    "href": "http://localhost:9998/api/taskprocessing?action=stop",
                    "rel": "taskprocessing:control",
                    "httpMethod": "POST",
                },
            ],
        ),
    ]


def test_the_link_turns_the_switch_both_ways(operator: ApiClient) -> None:
    for expected in ("stopped", "started"):
        control = rel(operator.get("/api/taskprocessing").json(), "taskprocessing:control")
        assert control is not None
        assert operator.post(control).json()["status"] == expected


def test_what_waits(operator: ApiClient, owner: User) -> None:
    start(owner)
    expired = claimed(start(owner))
    Task.objects.filter(pk=expired.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
    claimed(start(owner))
    table = TaskType.objects.get(code="ReadConsumptionBatch").table
    newer = TaskType.objects.create(code="OfANewerVersion", table=table)
    Task.objects.filter(pk=start(owner).task_id).update(task_type=newer)
    assert operator.get("/api/taskprocessing").json()["statistics"] == {"waiting": 1, "ready": 1, "expired": 1}


def test_while_stopped_nothing_is_picked_and_nobody_rings(operator: ApiClient, owner: User) -> None:
    running, waiting = claimed(start(owner)), start(owner)
    Task.objects.filter(pk=waiting.task_id).update(ring_again_at=Now() - timedelta(seconds=1))
    assert recovery.tasks_to_ring() == [waiting.task_id]
    turn(operator, "stop")
    assert recovery.tasks_to_ring() == []
    with pytest.raises(AssertionError):
        claimed(waiting)
    assert Task.objects.held(running.pk, running.epoch).exists()
    turn(operator, "start")
    assert claimed(waiting).status == TaskStatus.PROCESSING


def test_after_the_start_waiting_tasks_are_rung_for_at_once(operator: ApiClient, owner: User) -> None:
    turn(operator, "stop")
    waiting = start(owner)
    assert Task.objects.get().ring_again_at is not None
    turn(operator, "start")
    Task.objects.filter(ring_again_at__lte=Now()).update(ring_again_at=Now() - timedelta(milliseconds=1))
    assert recovery.tasks_to_ring() == [waiting.task_id]


def test_turning_it_to_where_it_is_changes_nothing(operator: ApiClient) -> None:
    assert turn(operator, "start")["status"] == "started"
    turn(operator, "stop")
    version = processing.current().version
    turn(operator, "stop")
    assert processing.current().version == version
    assert processing.current().last_updated_by_id == operator.user.pk  # type: ignore[union-attr]


def test_an_auditor_reads_and_turns_nothing(auditor: ApiClient) -> None:
    assert rels(auditor.get("/api/taskprocessing").json()) == ["self"]
    assert auditor.post("/api/taskprocessing?action=stop").status_code == 403


@pytest.mark.parametrize("address", ["/api/taskprocessing", "/api/taskprocessing?action=pause"])
def test_other_actions_are_refused(operator: ApiClient, address: str) -> None:
    answer = operator.post(address)
    assert answer.status_code == 422
    assert answer.json()["resultMessages"]["resultMessage"] == [
        {"code": "TSK-IP-002", "text": "Say ?action=stop or ?action=start.", "pointer": "/action"}
    ]


def test_an_action_is_said_once_and_nothing_else(operator: ApiClient) -> None:
    for address, status in (("?action=stop&action=start", 400), ("?action=stop&force=true", 422)):
        assert operator.post(f"/api/taskprocessing{address}").status_code == status
    assert operator.get("/api/taskprocessing").json()["status"] == "started"


def test_a_stale_version_is_refused(operator: ApiClient) -> None:
    turn(operator, "stop")
    assert operator.post("/api/taskprocessing?action=start", If_Match='"1"').status_code == 412
    assert operator.post("/api/taskprocessing?action=start", If_Match='"2"').status_code == 200
