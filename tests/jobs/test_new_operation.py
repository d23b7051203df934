"""A long-running operation that the engine never heard of has its task, messages, monitor and restart at once."""

from __future__ import annotations

from hypermedia.readers import Role
from jobs.errors import OperationFailed
from jobs.running import Result, Run, run_task
from tests.conftest import ApiClient, rel, rels
from tests.factories import UserFactory
from tests.jobs.toys import Toys


def broken(_: Run) -> Result:
    raise OperationFailed("TOY-1", "The toy broke.", "A restart helps.")


def test_over_http(real_toys: Toys) -> None:
    real_toys.body = broken
    task = real_toys.start()
    run_task(task_id=task.pk)
    client = ApiClient(real_toys.user)

    document = client.get(f"/api/generic/tasks/{task.pk}").json()
    assert document["status"] == "ERRORED"
    assert str(rel(document, "operator:subject")).endswith(f"/api/generic/toys/{task.subject_id}")
    kind = client.get(document["taskType"]["links"][0]["href"]).json()
    assert (kind["code"], kind["description"]) == ("Toy", "A toy")
    messages = client.get(str(rel(document, "operator:messages"))).json()["messages"]
    assert [message["code"] for message in messages] == ["TOY-1"]

    monitor = f"/api/operations/{task.pk}"
    assert client.get(monitor).json()["status"] == "Failed"
    real_toys.body = lambda _: Result()
    restarted = client.post(str(rel(document, "operator:restart")))
    assert restarted.status_code == 200
    assert "operator:restart" not in rels(restarted.json())
    assert client.get(monitor).headers["Retry-After"]
    run_task(task_id=task.pk)
    assert client.get(monitor).json()["status"] == "Succeeded"
    real_toys.check(task.pk)


def test_only_for_its_owner(real_toys: Toys) -> None:
    task = real_toys.start()
    stranger = ApiClient(UserFactory.create(roles=[Role.CLIENT]))
    assert stranger.get(f"/api/generic/tasks/{task.pk}").status_code == 404
