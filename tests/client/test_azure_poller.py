"""azure-core's `LROPoller`, unchanged, over real sockets: what a ready-made poller makes of an operation here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy, RetryPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.polling import LROPoller
from azure.core.polling.base_polling import LROBasePolling
from azure.core.rest import HttpRequest
from django.contrib.auth.models import User

from consumption.models import ReadConsumptionBatch
from hypermedia.fields import parse_date_time
from hypermedia.links import href
from jobs import services
from jobs.callbacks.models import AccessToken
from jobs.errors import OperationFailed
from tests.api.world import failed
from tests.client.relay import Relay
from tests.factories import ConsumptionFactory
from tests.serving import worker

EVERYTHING = {
    "transactionStartDateTime": {"value": "1970-01-01T00:00:00Z"},
    "transactionEndDateTime": {"value": "2999-01-01T00:00:00Z"},
}


@pytest.fixture
def client(relay: Relay, somebody: User) -> Iterator[Any]:
    """The pipeline of any Azure SDK; nothing in it knows this service but the base address and the token."""
    _, token = AccessToken.objects.issue(
        user=somebody, name="sdk", scope=AccessToken.Scope.API, expires_at=parse_date_time("2999-01-01T00:00:00Z")
    )
    policies = [RequestIdPolicy(), HeadersPolicy({"Authorization": f"Bearer {token}"}), RetryPolicy(retry_total=0)]
    transport = RequestsTransport()
    transport.open()
    assert transport.session is not None
    transport.session.trust_env = False
    made: PipelineClient[Any, Any] = PipelineClient(relay.url, policies=policies, transport=transport)
    with made:
        yield made


def begin(client: Any, path: str, body: Any) -> LROPoller[Any]:
    first = client.send_request(HttpRequest("POST", href(path), json=body), _return_pipeline_response=True)
    first.http_response.raise_for_status()
    return LROPoller(client, first, lambda response: response.http_response.json(), LROBasePolling(timeout=1))


def follow(client: Any, document: Any, rel: str) -> Any:
    (address,) = {link["href"] for link in document["links"] if link["rel"] == rel}
    answer = client.send_request(HttpRequest("GET", address))
    answer.raise_for_status()
    return answer


def test_the_poller_reaches_the_data_file(client: Any) -> None:
    ConsumptionFactory.create()
    poller = begin(client, "readconsumptionbatches", EVERYTHING)
    with worker():
        batch = poller.result(60)
    assert (poller.status(), poller.done()) == ("Succeeded", True)
    assert (batch["type"], batch["status"]) == ("readConsumptionBatch", "Completed")  # the final GET: the resource
    data_set = follow(client, batch, "datafileset").json()
    content = follow(client, data_set, "file").read()
    assert content.count(b"\n") == data_set["dataFiles"][0]["rowCount"] == 2


def test_what_runs_is_running(client: Any) -> None:
    poller = begin(client, "readconsumptionbatches", EVERYTHING)
    poller.wait(0)
    assert not poller.done()
    batch = ReadConsumptionBatch.objects.get()
    services.cancel(task_id=batch.task_id, user_id=batch.created_by_id)
    with pytest.raises(HttpResponseError, match="Canceled"):
        poller.result(60)
    assert poller.status() == "Canceled"


def test_failure_is_told(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OperationFailed("CON-FA-009", "The disk is full.", "Try again.")

    monkeypatch.setattr("consumption.exporting.operation.wait_until_complete", fail)
    poller = begin(client, "readconsumptionbatches", EVERYTHING)
    with worker(), pytest.raises(HttpResponseError) as raised:
        poller.result(60)
    assert poller.status() == "Failed"
    assert raised.value.response is not None
    monitor = raised.value.response.json()  # type: ignore[attr-defined]
    task = follow(client, monitor, "operator").json()
    assert "The disk is full." in follow(client, task, "operator:messages").text()


def test_bulk_restart(client: Any, somebody: User) -> None:
    """Its 201 has a body with a status of its own; the poller reads that, then the monitor."""
    task_id = failed(somebody).task_id
    poller = begin(client, "taskprocessing/tasks/restart", {"taskIds": [task_id]})
    with worker():
        restarted = poller.result(60)
    assert restarted["results"] == [{"taskId": task_id, "restarted": True}]


def test_a_poller_can_be_taken_up_again(client: Any) -> None:
    token = begin(client, "readconsumptionbatches", EVERYTHING).continuation_token()
    again: LROPoller[Any] = LROPoller.from_continuation_token(
        LROBasePolling(timeout=1),
        token,
        client=client,
        deserialization_callback=lambda response: response.http_response.json(),
    )
    with worker():
        assert again.result(60)["status"] == "Completed"
