"""The probes: what takes a web host out of the balancer, what is only shown; and what Prometheus reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from config.health import QUEUES
from hypermedia.readers import Role
from jobs.models import Task, WorkerHeartbeat
from jobs.notifications.models import Delivery
from tests.api.wire import check
from tests.api.world import World
from tests.conftest import ApiClient

pytestmark = pytest.mark.django_db
MOMENT = {"value": "2019-02-18T18:11:51Z"}
EXPORT = {"transactionStartDateTime": MOMENT, "transactionEndDateTime": MOMENT}


@pytest.fixture
def probe(db: None) -> ApiClient:
    return ApiClient(None)


def age(seconds: int) -> None:
    Task.objects.update(last_updated_date=F("last_updated_date") - timedelta(seconds=seconds))


def test_missing_workers_are_a_warning(probe: ApiClient) -> None:
    ready = check(probe.get("/readyz"), 200).json()
    assert ready["status"] == "ready"
    assert [queue for queue in QUEUES if f"no worker takes messages from the queue {queue}" in ready["warnings"]]
    for name, queues in (("worker@one", ["operations"]), ("keeper@one", ["housekeeping", "deliveries"])):
        WorkerHeartbeat.objects.create(name=name, queues=queues)
    ready = check(probe.get("/readyz"), 200).json()
    assert "warnings" not in ready
    assert ready["checks"]["workers"] == dict.fromkeys(QUEUES, 1)
    WorkerHeartbeat.objects.update(at=F("at") - timedelta(minutes=1))
    assert len(check(probe.get("/readyz"), 200).json()["warnings"]) == len(QUEUES)


def test_a_task_that_waits_is_a_warning_unless_the_queue_is_stopped(
    probe: ApiClient, testuser: ApiClient, operator: ApiClient
) -> None:
    check(testuser.post("/api/readconsumptionbatches", EXPORT), 201)
    assert check(probe.get("/readyz"), 200).json()["checks"]["oldestPendingTaskSeconds"] < 60
    age(1000)
    [warning] = [text for text in check(probe.get("/readyz"), 200).json()["warnings"] if "oldest" in text]
    assert re.search(r"for 10\d\d seconds", warning)
    check(operator.post("/api/taskprocessing?action=stop"), 200)
    ready = check(probe.get("/readyz"), 200).json()
    assert ready["checks"]["queue"] == "stopped"
    assert not [text for text in ready["warnings"] if "oldest" in text]


def test_storage_that_cannot_be_written(probe: ApiClient, settings: Any, tmp_path: Any) -> None:
    settings.DATA_FILES_DIR = tmp_path / "no" / "such" / "folder"
    response = probe.get("/readyz")
    assert response.status_code == 503
    assert response.json()["problems"] == ["the file storage is not writable"]
    assert response.headers["Retry-After"]


def samples(client: ApiClient, **headers: str) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", **headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_metrics(world: World) -> None:
    probe = ApiClient(None)
    client, names = world.clients["client"], world.belongings["client"].identifiers
    task = f"/api/generic/tasks/{names['tasks']}"
    counted = ("tallyport_http_requests_total", "/api/generic/tasks/<id:pk>", "200", "GET")
    before = samples(probe)
    check(client.get(task), 200)
    after = samples(probe)
    assert after[counted] == before.get(counted, 0) + 1
    statuses = Task.objects.values_list("status", flat=True)
    assert after["tallyport_tasks", "PENDING"] == sum(status == "PENDING" for status in statuses)
    assert after["tallyport_queue_age_seconds",] >= 0
    failed = sum(status == "ERRORED" for status in statuses)
    ended = {key: value for key, value in after.items() if key[0] == "tallyport_operations_ended_last_hour"}
    assert sum(value for key, value in ended.items() if "ERRORED" in key) == failed > 0
    assert after["tallyport_operation_seconds", "0.95", "ReadConsumptionBatch"] >= 0
    assert after["tallyport_outbox_due",] == Delivery.objects.due().count()
    assert ("tallyport_leases_expired",) in after
    assert ("tallyport_queue_stopped",) in after
    assert ("tallyport_outbox_lag_seconds",) in after


def test_verdicts_and_workers_are_in_metrics(world: World) -> None:
    body = {"jobId": "x", "status": "Started"}
    world.clients["integration"].request("PUT", "/ws/rest/service/v2/oic/job", body)
    WorkerHeartbeat.objects.create(name="worker@one", queues=["operations"])
    read = samples(ApiClient(None))
    assert read["tallyport_callbacks_last_hour", "rejected"] == 1
    assert read["tallyport_workers", "operations"] == 1


def test_addresses_of_nobody_become_labels(probe: ApiClient) -> None:
    probe.get("/api/datafilesets/SECRETNAME")
    probe.get("/nowhere/SECRETNAME")
    probe.request("BREWSECRETNAME", "/api")
    assert "SECRETNAME" not in str(samples(probe))


def test_a_scrape_asks_few_questions(probe: ApiClient) -> None:
    with CaptureQueriesContext(connection) as captured:
        samples(probe)
    assert len(captured) <= 13


@pytest.mark.parametrize(
    ("headers", "environ", "status"),
    [
        ({}, {}, 401),
        ({"Authorization": "Bearer wrong"}, {}, 401),
        ({"Authorization": "Bearer a-token"}, {}, 200),
        ({}, {"REMOTE_ADDR": "10.9.1.2"}, 200),
        ({}, {"REMOTE_ADDR": "10.10.1.2"}, 401),
        ({"X-Forwarded-For": "10.9.1.2"}, {}, 401),
    ],
)
def test_who_may_scrape_in_production(
    probe: ApiClient, settings: Any, headers: dict[str, str], environ: dict[str, str], status: int
) -> None:
    settings.DEVELOPMENT = False
    settings.METRICS_TOKEN, settings.METRICS_NETWORKS = "a-token", ["10.9.0.0/16"]
    assert probe.request("GET", "/metrics", None, environ, **headers).status_code == status


def test_without_a_token_nobody_scrapes_by_token(client_of: Callable[..., ApiClient], settings: Any) -> None:
    settings.DEVELOPMENT = False
    assert ApiClient(None).get("/metrics", Authorization="Bearer ").status_code == 401
    assert client_of(Role.OPERATOR, password="x").get("/metrics").status_code == 401
