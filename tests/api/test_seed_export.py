"""The second seed, exchange by exchange: its keys, their order, types, links and headers."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.models import Task
from jobs.services import claim, fail
from tests.conftest import ApiClient, rel, rels
from tests.factories import LimitFactory, UserFactory

RESOURCE = "application/vnd.oracle.insurance.resource+json"
ACCEPT = f"{RESOURCE},{RESOURCE}"
HEADERS = {
    "Content-Type": RESOURCE,
    "Vary": "Accept,Accept-Encoding,Accept-Language,Origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "deny",
    "X-OHI-APP-ID": "ALI",
    "X-OHI-APP-VERSION": "6.0.0",
    "X-XSS-Protection": "1; mode=block",
}
BODY = b"""{
   "transactionEndDateTime" : {
      "value" : "1970-10-11T14:04:42.509+01:00"
   },
   "transactionStartDateTime" : {
      "value" : "1970-10-11T14:04:41+01:00"
   },
   "limitCodes" : [ "VERT" ]
}"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seed(settings: Any) -> ApiClient:
    """The seed's user, speaking as the seed does: `Authorization: user testuser1`, Dutch time."""
    settings.TIME_ZONE = "Europe/Amsterdam"
    LimitFactory.create()
    UserFactory.create(username="testuser1", roles=["client"])
    return ApiClient(None)


def ask(client: ApiClient, method: str, path: str, body: bytes | None = None) -> Any:
    return client.request(
        method, path, body, Accept=ACCEPT, Authorization="user testuser1", Content_Type=RESOURCE if body else ""
    )


def assert_headers(response: Any) -> None:
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


def start(seed: ApiClient) -> str:
    return str(ask(seed, "POST", "/readconsumptionbatches", BODY).headers["Location"])


def fail_export(location: str) -> None:
    thread_code = "adjulimits-inttest--1 ( main )"
    task = claim(task_id=Task.objects.get().pk, owner="w", thread_code=thread_code, celery_task_id="")
    assert task is not None
    fail(task=task, code="TSK-FA-009", text="Broken on purpose. A restart can help.")


def test_starting(seed: ApiClient) -> None:
    response = ask(seed, "POST", "/readconsumptionbatches", BODY)
    assert response.status_code == 201
    assert response.content == b""
    assert response.headers["Content-Length"] == "0"
    assert_headers(response)
    root, _, identifier = response.headers["Location"].rpartition("/")
    assert root == "http://localhost:9998/api/generic/readconsumptionbatches"
    assert identifier.isdigit()


def test_successful_export(seed: ApiClient, work: Any) -> None:
    location = start(seed)
    work()
    response = ask(seed, "GET", location.replace("/api/generic", "/generic"))
    assert response.status_code == 200
    assert_headers(response)
    batch = response.json()
    identifier = int(location.rpartition("/")[2])
    user = batch["createdBy"]
    set_code = rel(batch, "datafileset").rpartition("/")[2]  # type: ignore[union-attr]
    assert list(batch.items()) == [
        ("type", "readConsumptionBatch"),
        ("id", identifier),
        ("createdBy", user),
        ("lastUpdatedBy", user),
        ("objectVersionNumber", batch["objectVersionNumber"]),
        ("status", "Completed"),
        (
            "links",
            [
                {"href": location, "rel": "self"},
                {"href": rel(batch, "operator"), "rel": "operator", "httpMethod": "GET"},
                {
                    "href": f"http://localhost:9998/api/datafilesets/{set_code}",
                    "rel": "datafileset",
                    "httpMethod": "GET",
                },
            ],
        ),
        ("creationDate", batch["creationDate"]),
        ("lastUpdatedDate", batch["lastUpdatedDate"]),
        ("transactionEndDateTime", {"value": "1970-10-11T14:04:42.509+01:00"}),
        ("transactionStartDateTime", {"value": "1970-10-11T14:04:41+01:00"}),
        ("limitCodes", ["VERT"]),
    ]
    assert [list(link) for link in batch["links"]] == [["href", "rel"], *[["href", "rel", "httpMethod"]] * 2]
    assert len(set_code) == 32 and set(set_code) <= set("0123456789ABCDEF")
    assert isinstance(user, int) and isinstance(batch["objectVersionNumber"], int)
    assert response.headers["Content-Length"] == str(len(response.content))


def test_failed_export(seed: ApiClient) -> None:
    location = start(seed)
    fail_export(location)
    response = ask(seed, "GET", location)
    assert response.status_code == 200
    assert_headers(response)
    batch = response.json()
    assert list(batch) == [
        "type",
        "id",
        "createdBy",
        "lastUpdatedBy",
        "objectVersionNumber",
        "status",
        "links",
        "creationDate",
        "lastUpdatedDate",
        "transactionEndDateTime",
        "transactionStartDateTime",
        "limitCodes",
    ]
    assert batch["status"] == "Failed"
    assert rels(batch) == ["self", "operator"]


def expected_task(task: dict[str, Any], batch: str, status: str, *extra: str) -> list[tuple[str, Any]]:
    """The seed's task, with what differs by nature taken from the answer."""
    identifier = task["id"]
    links: list[dict[str, Any]] = [
        {"href": f"http://localhost:9998/api/generic/tasks/{identifier}", "rel": "self"},
        {"href": rel(task, "operator:messages"), "rel": "operator:messages", "httpMethod": "GET"},
        {
            "href": f"http://localhost:9998/api/taskprocessing/{identifier}/restart",
            "rel": "operator:restart",
            "httpMethod": "POST",
        },
        {"href": batch, "rel": "operator:subject", "httpMethod": "GET"},
    ]
    return [
        ("type", "task"),
        ("id", identifier),
        ("createdBy", task["createdBy"]),
        *([("currentAttemptCount", 0)] if "currentAttemptCount" in extra else []),
        ("lastUpdatedBy", task["createdBy"]),
        ("objectVersionNumber", task["objectVersionNumber"]),
        ("status", status),
        ("subjectId", int(batch.rpartition("/")[2])),
        ("threadCode", "adjulimits-inttest--1 ( main )"),
        ("links", [link for link in links if status == "ERRORED" or link["rel"] != "operator:restart"]),
        ("creationDate", task["creationDate"]),
        ("lastUpdatedDate", task["lastUpdatedDate"]),
        ("table", reference(task["table"]["id"], "tables")),
        ("taskType", reference(task["taskType"]["id"], "tasktypes")),
    ]


def reference(identifier: int, kind: str) -> dict[str, Any]:
    href = f"http://localhost:9998/api/generic/{kind}/{identifier}"
    return {"id": identifier, "links": [{"href": href, "rel": "canonical"}]}


def test_operator_of_a_failed_export(seed: ApiClient) -> None:
    location = start(seed)
    fail_export(location)
    operator = rel(ask(seed, "GET", location).json(), "operator")
    response = ask(seed, "GET", str(operator))
    assert response.status_code == 200
    assert_headers(response)
    task = response.json()
    assert list(task.items()) == expected_task(task, location, "ERRORED")
    for link in [*task["links"], *task["table"]["links"], *task["taskType"]["links"]]:
        if link.get("httpMethod", "GET") == "GET":
            assert ask(seed, "GET", link["href"]).status_code == 200


def test_restart(seed: ApiClient, work: Any) -> None:
    location = start(seed)
    fail_export(location)
    task = ask(seed, "GET", str(rel(ask(seed, "GET", location).json(), "operator"))).json()
    response = ask(seed, "POST", str(rel(task, "operator:restart")).replace("/api/", "/"))
    assert response.status_code == 200
    assert_headers(response)
    restarted = response.json()
    assert list(restarted.items()) == expected_task(restarted, location, "PENDING", "currentAttemptCount")
    assert restarted["objectVersionNumber"] > task["objectVersionNumber"]
    batch = ask(seed, "GET", location).json()
    assert batch["status"] == "In Progress"
    assert rel(batch, "monitor") == location
    work()
    assert ask(seed, "GET", location).json()["status"] == "Completed"
