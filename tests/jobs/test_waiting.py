"""`Prefer: wait=N`: the answer comes with the end of the operation, and nobody else has to wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections

from jobs import services
from jobs.models import Task
from jobs.waiting import watch
from tests.api.wire import check
from tests.conftest import ApiClient, rels
from tests.jobs.conftest import until

pytestmark = pytest.mark.django_db(transaction=True)
MOMENT = {"value": "2019-02-18T18:11:51Z"}
EXPORT = {"transactionStartDateTime": MOMENT, "transactionEndDateTime": MOMENT}
LONG = "wait=30"
ENOUGH = 20.0  # seconds; an answer that has not come by then waits for the end of its time


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., Future[Any]]]:
    """Calls a function in another thread, as a web server does; its database connection ends with the call."""
    with ThreadPoolExecutor(8) as threads:

        def call(function: Callable[..., Any], *arguments: Any, **named: Any) -> Future[Any]:
            def body() -> Any:
                try:
                    return function(*arguments, **named)
                finally:
                    connections.close_all()

            return threads.submit(body)

        yield call


def start(client: ApiClient) -> str:
    return str(check(client.post("/api/readconsumptionbatches", EXPORT), 201).headers["Location"])


def waiting(number: int) -> Callable[[], bool]:
    return lambda: watch._count == number


def open_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("kind", ["batch", "task", "monitor"])
def test_the_end_is_answered(testuser: ApiClient, elsewhere: Any, work: Callable[[], None], kind: str) -> None:
    location = start(testuser)
    task = Task.objects.get()
    address = {"batch": location, "task": f"/api/generic/tasks/{task.pk}", "monitor": f"/api/operations/{task.pk}"}
    answer = elsewhere(testuser.get, address[kind], Prefer=LONG)
    until(waiting(1))
    work()
    response = check(answer.result(ENOUGH), 200)
    assert response.headers["Preference-Applied"] == LONG
    assert response.json()["status"] in {"Completed", "COMPLETED", "Succeeded"}
    assert "monitor" not in rels(response.json())
    assert watch._count == 0


def test_a_cancelled_one_ends_too(testuser: ApiClient, elsewhere: Any) -> None:
    location = start(testuser)
    etag = testuser.get(location).headers["ETag"]
    answer = elsewhere(testuser.get, location, Prefer=LONG, If_None_Match=etag)
    until(waiting(1))
    services.cancel(task_id=Task.objects.get().pk, user_id=testuser.user.pk)  # type: ignore[union-attr]
    assert check(answer.result(ENOUGH), 200).json()["status"] == "Cancelled"


def test_a_start_that_waits(testuser: ApiClient, elsewhere: Any, work: Callable[[], None]) -> None:
    answer = elsewhere(testuser.post, "/api/readconsumptionbatches", EXPORT, Prefer=LONG, Idempotency_Key="once")
    until(waiting(1))
    work()
    response = check(answer.result(ENOUGH), 201)
    assert response.headers["Preference-Applied"] == LONG
    assert testuser.get(response.headers["Location"]).json()["status"] == "Completed"


def test_patience_ends(testuser: ApiClient) -> None:
    response = check(testuser.get(start(testuser), Prefer="wait=1"), 200)
    assert (response.json()["status"], response.headers["Preference-Applied"]) == ("In Progress", "wait=1")
    assert "Retry-After" in response.headers


def test_what_has_ended_is_answered_at_once(testuser: ApiClient, work: Callable[[], None]) -> None:
    location = start(testuser)
    work()
    response = check(testuser.get(location, Prefer=LONG), 200)
    assert response.headers["Preference-Applied"] == LONG
    assert "Preference-Applied" not in testuser.get(location).headers
    assert "Preference-Applied" not in testuser.get(location, Prefer="wait=soon").headers


def test_half_of_the_threads_may_wait(testuser: ApiClient, elsewhere: Any, settings: Any) -> None:
    settings.WEB_THREADS = 4
    location = start(testuser)
    patient = [elsewhere(testuser.get, location, Prefer=LONG) for _ in range(2)]
    until(waiting(2))
    response = check(testuser.get(location, Prefer=LONG), 200)
    assert "Preference-Applied" not in response.headers
    assert response.json()["status"] == "In Progress"
    services.cancel(task_id=Task.objects.get().pk, user_id=testuser.user.pk)  # type: ignore[union-attr]
    assert [check(answer.result(ENOUGH), 200).json()["status"] for answer in patient] == ["Cancelled"] * 2


def test_who_waits_holds_no_connection(testuser: ApiClient, elsewhere: Any, settings: Any) -> None:
    settings.WEB_THREADS = 16
    location = start(testuser)
    until(lambda: not watch._looking)
    before = open_connections()
    patient = [elsewhere(testuser.get, location, Prefer=LONG) for _ in range(6)]
    until(waiting(6))
    until(lambda: open_connections() <= before + 1)  # the one that looks for all of them
    services.cancel(task_id=Task.objects.get().pk, user_id=testuser.user.pk)  # type: ignore[union-attr]
    assert {answer.result(ENOUGH).status_code for answer in patient} == {200}
