"""`Idempotency-Key`: the same request starts nothing twice, whatever happens to its answers."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from consumption.models import ReadConsumptionBatch
from jobs import idempotency
from jobs.models import KeptAnswer, TaskRestartBatch
from jobs.tasks import forget
from tests.api.world import failed
from tests.conftest import ApiClient

EXPORTS = "/api/readconsumptionbatches"
START, END = {"value": "2024-01-01T00:00:00Z"}, {"value": "2024-02-01T00:00:00Z"}
BODY = {"transactionStartDateTime": START, "transactionEndDateTime": END}


def export(client: ApiClient, body: Any = BODY, key: str = "a key", path: str = EXPORTS, **headers: str) -> Any:
    return client.post(path, body, Idempotency_Key=key, **headers)


def codes(answer: Any) -> list[str]:
    return [one["code"] for one in answer.json()["resultMessages"]["resultMessage"]]


def told(answer: Any) -> tuple[int, bytes, dict[str, str]]:
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return answer.status_code, answer.content, headers


@pytest.mark.django_db
def test_the_first_answer_comes_again(testuser: ApiClient) -> None:
    first = export(testuser)
    assert first.status_code == 201
    assert told(export(testuser)) == told(first)
    assert told(export(testuser, path="/readconsumptionbatches")) == told(first)
    assert ReadConsumptionBatch.objects.count() == 1


@pytest.mark.django_db
def test_an_answer_with_a_body_comes_again(testuser: ApiClient) -> None:
    assert testuser.user is not None
    body = {"taskIds": [failed(testuser.user).task_id]}
    first, second = (export(testuser, body, path="/api/taskprocessing/tasks/restart") for _ in range(2))
    assert told(second) == told(first)
    assert TaskRestartBatch.objects.count() == 1
    plain = export(testuser, body, path="/api/taskprocessing/tasks/restart", Accept="application/json")
    assert (plain.json(), plain.headers["Content-Type"]) == (first.json(), "application/json")


@pytest.mark.django_db
def test_bodies_are_compared_as_json(testuser: ApiClient) -> None:
    first = export(testuser)
    again = b'{ "transactionEndDateTime":{"value":"2024-02-01T00:00:00\\u005A"}, "transactionStartDateTime" : %s}'
    answer = testuser.request(
        "POST", EXPORTS, again % b'{"value":"2024-01-01T00:00:00Z"}', Idempotency_Key="a key",
        Content_Type="application/json",
    )  # fmt: skip
    assert answer.headers["Location"] == first.headers["Location"]


@pytest.mark.django_db
@pytest.mark.parametrize("other", [{**BODY, "limitCodes": ["VERT"]}, {}, {**BODY, "transactionEndDateTime": START}])
def test_another_body_under_the_same_key_is_refused(testuser: ApiClient, other: Any) -> None:
    export(testuser)
    answer = export(testuser, other)
    assert (answer.status_code, codes(answer)) == (422, ["GEN-IP-022"])
    assert ReadConsumptionBatch.objects.count() == 1


@pytest.mark.django_db
def test_another_user_path_or_key_is_another_request(testuser: ApiClient, operator: ApiClient) -> None:
    locations = {
        answer.headers["Location"] for answer in (export(testuser), export(operator), export(testuser, key="b"))
    }
    assert len(locations) == 3
    restart = export(testuser, {"taskIds": [1]}, path="/api/taskprocessing/tasks/restart")
    assert restart.status_code == 201


@pytest.mark.django_db
def test_only_a_201_is_kept(testuser: ApiClient) -> None:
    assert export(testuser, {}).status_code == 422
    assert export(testuser, b"{").status_code == 400
    dry = "/api/taskprocessing/tasks/restart?dryRun=true"
    assert export(testuser, {"taskIds": [1]}, path=dry).status_code == 200
    assert not KeptAnswer.objects.exists()
    assert export(testuser).status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", " ", "x" * 256, "k\xe9y"])
def test_what_is_no_key_is_malformed(testuser: ApiClient, key: str) -> None:
    assert export(testuser, key=key).status_code == 400


@pytest.mark.django_db
def test_after_a_day_a_key_is_new_and_the_old_answer_goes(testuser: ApiClient) -> None:
    first = export(testuser)
    export(testuser, key="young")
    KeptAnswer.objects.filter(key="a key").update(creation_date=Now() - timedelta(hours=24))
    second = export(testuser)
    assert second.headers["Location"] != first.headers["Location"]
    assert export(testuser).headers["Location"] == second.headers["Location"]
    KeptAnswer.objects.filter(key="a key").update(creation_date=Now() - timedelta(hours=24))
    assert (forget(), forget()) == (1, 0)
    assert KeptAnswer.objects.get().key == "young"


@pytest.mark.django_db(transaction=True)
def test_a_twin_is_waited_for(testuser: ApiClient) -> None:
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(export(ApiClient(testuser.user)))
        finally:
            connection.close()

    twins = [Thread(target=ask) for _ in range(4)]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert ReadConsumptionBatch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_takes_too_long_is_a_conflict(testuser: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.2)
    assert testuser.user is not None
    name = {"user_id": testuser.user.pk, "path": "/readconsumptionbatches", "key": "a key"}
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(export(ApiClient(testuser.user)))
        finally:
            connection.close()

    with transaction.atomic():
        idempotency._wait_for_twins(name)
        twin = Thread(target=ask)
        twin.start()
        twin.join()
    [answer] = answers
    assert (answer.status_code, codes(answer)) == (409, ["GEN-IP-021"])
    assert export(testuser).status_code == 201
