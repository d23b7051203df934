"""Bulk restarts: what is asked for, what becomes of each task, and that a lost worker leaves nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jobs import registry, services
from jobs.errors import LeaseLost
from jobs.models import Task, TaskRestartBatch
from jobs.restarts import TASK_RESTART_BATCH
from jobs.states import TaskStatus
from tests.api.world import completed, failed, start
from tests.conftest import ApiClient, rel

RESTART = "/api/taskprocessing/tasks/restart"


def owner_of(client: ApiClient) -> Any:
    assert client.user is not None
    return client.user


def messages(answer: Any) -> list[tuple[str, str | None]]:
    assert answer.status_code == 422, answer.content
    return [(one["code"], one.get("pointer")) for one in answer.json()["resultMessages"]["resultMessage"]]


@pytest.mark.django_db
def test_the_answer_says_where_to_look(testuser: ApiClient) -> None:
    task_id = failed(owner_of(testuser)).task_id
    answer = testuser.post(RESTART, {"taskIds": [task_id]})
    batch = TaskRestartBatch.objects.get()
    status = f"http://localhost:9998/api/taskprocessing/taskrestartbatches/{batch.pk}/status"
    assert answer.status_code == 201
    assert answer.headers["Location"] == status
    assert answer.headers["Operation-Location"] == f"http://localhost:9998/api/operations/{batch.task_id}"
    assert answer.json() == {
        "processing": True,
        "status": "In Progress",
        "links": [{"href": status, "rel": "self"}],
    }
    again = testuser.get(status)
    assert (again.json(), again.headers["Retry-After"]) == (answer.json(), "1")


def test_its_own_task_once_it_has_ended(testuser: ApiClient, work: Callable[[], None]) -> None:
    answer = testuser.post(RESTART, {"taskIds": [failed(owner_of(testuser)).task_id]})
    work()
    ended = testuser.get(answer.headers["Location"]).json()
    assert [one["rel"] for one in ended["links"]] == ["self", "operator"]
    assert testuser.get(ended["links"][1]["href"]).json()["id"] == TaskRestartBatch.objects.get().task_id


def test_each_task_has_its_result(testuser: ApiClient, operator: ApiClient, work: Callable[[], None]) -> None:
    mine = owner_of(testuser)
    broken, done, foreign = failed(mine).task_id, completed(mine).task_id, failed(owner_of(operator)).task_id
    answer = testuser.post(RESTART, {"taskIds": [done, broken, foreign, broken, 999_999]})
    work()
    finished = testuser.get(answer.headers["Location"])
    assert finished.json()["processing"] is False
    assert finished.json()["status"] == "Completed"
    assert finished.json()["results"] == [
        {
            "taskId": done,
            "restarted": False,
            "code": "TSK-IP-001",
            "text": "The task is COMPLETED; to restart it, it has to be ERRORED. Nothing was changed.",
        },
        {"taskId": broken, "restarted": True},
        {"taskId": foreign, "restarted": False, "code": "GEN-IP-404", "text": f"There is no task {foreign}."},
        {"taskId": 999_999, "restarted": False, "code": "GEN-IP-404", "text": "There is no task 999999."},
    ]
    task = Task.objects.get(pk=broken)
    assert (task.restart_count, task.status) == (1, TaskStatus.PENDING)
    assert Task.objects.get(pk=foreign).status == TaskStatus.ERRORED
    monitor = testuser.get(answer.headers["Operation-Location"]).json()
    assert (monitor["status"], rel(monitor, "operator:subject")) == ("Succeeded", answer.headers["Location"])


def test_an_operator_restarts_everybody_s(testuser: ApiClient, operator: ApiClient, work: Callable[[], None]) -> None:
    broken = failed(owner_of(testuser)).task_id
    answer = operator.post(RESTART, {"taskIds": [broken]})
    work()
    assert operator.get(answer.headers["Location"]).json()["results"] == [{"taskId": broken, "restarted": True}]
    assert testuser.get(answer.headers["Location"]).status_code == 404


@pytest.mark.django_db
def test_a_dry_run_changes_nothing(testuser: ApiClient) -> None:
    broken, waiting = failed(owner_of(testuser)).task_id, start(owner_of(testuser)).task_id
    answer = testuser.post(f"{RESTART}?dryRun=true", {"taskIds": [broken, waiting, 999_999]})
    assert answer.status_code == 200
    assert answer.json()["dryRun"] is True
    assert [(one["taskId"], one["restartable"], one.get("code")) for one in answer.json()["results"]] == [
        (broken, True, None),
        (waiting, False, "TSK-IP-001"),
        (999_999, False, "GEN-IP-404"),
    ]
    assert Task.objects.get(pk=broken).status == TaskStatus.ERRORED
    assert not TaskRestartBatch.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, [("TSK-IP-003", "/taskIds")]),
        ({"taskIds": []}, [("TSK-IP-003", "/taskIds")]),
        ({"taskIds": list(range(1, 202))}, [("TSK-IP-004", "/taskIds")]),
        ({"taskIds": [1, "x", 0]}, [("GEN-IP-016", "/taskIds/1"), ("GEN-IP-016", "/taskIds/2")]),
        ({"taskIds": 1}, [("GEN-IP-015", "/taskIds")]),
        ({"taskids": [1]}, [("GEN-IP-012", "/taskids")]),
    ],
)
def test_refusals(testuser: ApiClient, body: Any, refused: list[tuple[str, str]]) -> None:
    assert messages(testuser.post(RESTART, body)) == refused
    assert messages(testuser.post(f"{RESTART}?dryRun=true", body)) == refused


@pytest.mark.django_db
def test_a_mistyped_dry_run_restarts_nothing(testuser: ApiClient) -> None:
    body = {"taskIds": [failed(owner_of(testuser)).task_id]}
    assert messages(testuser.post(f"{RESTART}?dryrun=true", body)) == [("GEN-IP-012", "/dryrun")]
    assert messages(testuser.post(f"{RESTART}?dryRun=yes", body)) == [("GEN-IP-015", "/dryRun")]


@pytest.mark.django_db
def test_a_lost_worker_has_restarted_nothing(testuser: ApiClient) -> None:
    broken = failed(owner_of(testuser)).task_id
    testuser.post(RESTART, {"taskIds": [broken]})
    batch = TaskRestartBatch.objects.get()
    task = services.claim(task_id=batch.task_id, owner="w", thread_code="t", celery_task_id="")
    assert task is not None
    services.cancel(task_id=batch.task_id, user_id=owner_of(testuser).pk)
    with pytest.raises(LeaseLost):
        services.complete(task=task, record=TASK_RESTART_BATCH.run(_Run(batch)).record)  # type: ignore[arg-type]
    assert Task.objects.get(pk=broken).status == TaskStatus.ERRORED


class _Run:
    def __init__(self, operation: TaskRestartBatch) -> None:
        self.operation = operation


@pytest.mark.django_db
def test_it_sends_no_events_and_is_for_workers_only(auditor: ApiClient) -> None:
    assert registry.of_model(TaskRestartBatch).sends_events is False
    assert auditor.post(RESTART, {"taskIds": [1]}).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", ["1", 1.5, True, None, 0, -1, 10**30, [1]])
def test_the_ids_are_whole_numbers(testuser: ApiClient, wrong: Any) -> None:
    [(_, pointer)] = messages(testuser.post(RESTART, {"taskIds": [wrong]}))
    assert pointer == "/taskIds/0"


def test_a_dry_run_is_asked_for_once(testuser: ApiClient) -> None:
    """Of two that contradict each other neither is guessed: one of them restarts."""
    body = {"taskIds": [failed(owner_of(testuser)).task_id]}
    assert testuser.post(f"{RESTART}?dryRun=true&dryRun=false", body).status_code == 400


def test_whatever_can_be_an_id_is_one(testuser: ApiClient) -> None:
    largest = 2**63 - 1
    answer = testuser.post(f"{RESTART}?dryRun=true", {"taskIds": [largest]})
    assert [one["code"] for one in answer.json()["results"]] == ["GEN-IP-404"]
    assert messages(testuser.post(RESTART, {"taskIds": [largest + 1]})) == [("GEN-IP-016", "/taskIds/0")]
