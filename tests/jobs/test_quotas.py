"""How many operations a client may have under way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from hypermedia.readers import Role
from jobs import services
from jobs.models import Task
from tests.api.wire import check
from tests.conftest import ApiClient

MOMENT = {"value": "2019-02-18T18:11:51Z"}
EXPORT = {"transactionStartDateTime": MOMENT, "transactionEndDateTime": MOMENT}
EXPORTS = "/api/readconsumptionbatches"


@pytest.fixture(autouse=True)
def quota(settings: Any) -> int:
    settings.ACTIVE_OPERATIONS_PER_CLIENT = 3
    return 3


def start(client: ApiClient, **headers: str) -> Any:
    return client.post(EXPORTS, EXPORT, **headers)


@pytest.mark.django_db
def test_one_more_is_refused_until_one_has_ended(testuser: ApiClient, client_of: Any, quota: int) -> None:
    first, *_ = [check(start(testuser), 201) for _ in range(quota)]
    refused = check(start(testuser), 429)
    assert int(refused.headers["Retry-After"]) > 0
    assert Task.objects.count() == quota
    check(start(client_of(Role.CLIENT)), 201)  # others have a quota of their own
    check(testuser.delete(first.headers["Location"]), 202)
    check(start(testuser), 201)


@pytest.mark.django_db
def test_a_bulk_restart_counts_and_a_rehearsal_does_not(testuser: ApiClient, quota: int) -> None:
    for _ in range(quota):
        check(start(testuser), 201)
    check(testuser.post("/api/taskprocessing/tasks/restart", {"taskIds": [1]}), 429)
    check(testuser.post("/api/taskprocessing/tasks/restart?dryRun=true", {"taskIds": [1]}), 200)


@pytest.mark.django_db
def test_the_same_request_again_is_no_new_one(testuser: ApiClient, quota: int) -> None:
    first = check(start(testuser, Idempotency_Key="once"), 201)
    for _ in range(quota - 1):
        check(start(testuser), 201)
    assert check(start(testuser, Idempotency_Key="once"), 201).headers["Location"] == first.headers["Location"]
    check(start(testuser, Idempotency_Key="twice"), 429)


@pytest.mark.django_db
@pytest.mark.parametrize("most", [3, 0])
def test_operators_and_a_quota_of_zero(settings: Any, client_of: Any, most: int) -> None:
    settings.ACTIVE_OPERATIONS_PER_CLIENT = most
    client = client_of(Role.OPERATOR if most else Role.CLIENT)
    for _ in range(5):
        check(start(client), 201)


@pytest.mark.django_db(transaction=True)
def test_all_at_once(client_of: Callable[..., ApiClient], quota: int) -> None:
    """Without the lock each would count what the others have not committed yet."""
    client = client_of(Role.CLIENT)
    check(client.get("/api"), 200)

    def go(_: int) -> int:
        try:
            return int(start(client).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        statuses = sorted(threads.map(go, range(20)))
    assert statuses == [201] * quota + [429] * (20 - quota)
    services.cancel(task_id=Task.objects.first().pk, user_id=client.user.pk)  # type: ignore[union-attr]
    check(start(client), 201)
