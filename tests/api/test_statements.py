"""What each request costs the database, as exact numbers: one statement to know the caller, and the least for the rest.

Where a test runs in a transaction, each `atomic` block shows as two statements (a savepoint and its release).
"""

from __future__ import annotations

from typing import Any

import pytest

from consumption.allowances import allow
from tests.api.wire import check
from tests.api.world import World
from tests.conftest import ApiClient
from tests.factories import LimitFactory

pytestmark = pytest.mark.django_db

CALLER = 1
SAVEPOINT = 2
AUDIT = 1


@pytest.fixture(autouse=True)
def quota(settings: Any) -> None:
    settings.ACTIVE_OPERATIONS_PER_CLIENT = 20


@pytest.fixture
def client(world: World) -> ApiClient:
    made = world.clients["client"]
    made.get("/api")  # the password is verified once a minute
    return made


@pytest.mark.parametrize(
    ("kind", "path", "statements"),
    [
        ("readconsumptionbatches", "/api/generic/readconsumptionbatches/{}", 1),
        ("tasks", "/api/generic/tasks/{}", 1),
        ("operations", "/api/operations/{}", 1),
        ("interfacedmessages", "/api/generic/interfacedmessages/{}", 2),
        ("tables", "/api/generic/tables/{}", 1),
        ("tasktypes", "/api/generic/tasktypes/{}", 1),
        ("set", "/api/datafilesets/{}", 2),
        ("datafilesets", "/api/generic/datafilesets/{}", 2),
        ("absent", "/api/generic/tasks/999999999999", 1),
    ],
)
def test_reading(
    client: ApiClient, world: World, django_assert_num_queries: Any, kind: str, path: str, statements: int
) -> None:
    names = world.belongings["client"].identifiers
    path = path.format(names.get(kind))
    with django_assert_num_queries(CALLER + statements):
        response = client.get(path)
    if kind != "absent":
        with django_assert_num_queries(CALLER + statements):
            check(client.get(path, If_None_Match=response.headers["ETag"]), 304)


def test_reading_data(client: ApiClient, world: World, django_assert_num_queries: Any) -> None:
    names = world.belongings["client"].identifiers
    with django_assert_num_queries(CALLER + 1 + AUDIT):
        client.get(f"/api/datafilesets/{names['set']}/datafiles/{names['file']}/data").getvalue()


def test_by_token(client: ApiClient, world: World, django_assert_num_queries: Any) -> None:
    text = client.post("/api/accesstokens", {"name": "x"}).json()["token"]
    path = f"/api/generic/tasks/{world.belongings['client'].identifiers['tasks']}"
    with django_assert_num_queries(CALLER + 1):
        check(ApiClient(None).get(path, Authorization=f"Bearer {text}"), 200)


def test_the_entry_asks_nothing(client: ApiClient, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(CALLER):
        client.get("/api")


def test_refusals_ask_nothing_more(client: ApiClient, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        check(ApiClient(None).get("/api"), 401)
    with django_assert_num_queries(CALLER):
        check(client.request("PUT", "/api/generic/tasks/1"), 405)
    with django_assert_num_queries(CALLER):
        check(client.post("/api/readconsumptionbatches", {"colour": "red"}), 422)


MOMENT = {"value": "2019-02-18T18:11:51Z"}
EXPORT = {"transactionStartDateTime": MOMENT, "transactionEndDateTime": MOMENT}


@pytest.mark.parametrize(
    ("role", "body", "statements"),
    [
        ("client", {"limitCodes": ["VERT"]}, 3),  # the limits and the list of allowed ones; the quota's lock; all rows
        ("client", {}, 2),
        ("operator", {"limitCodes": ["VERT"]}, 2),  # no quota
        ("operator", {}, 1),
    ],
)
def test_starting(
    world: World, django_assert_num_queries: Any, role: str, body: dict[str, Any], statements: int
) -> None:
    client = world.clients[role]
    client.get("/api")
    LimitFactory.create(code="VERT")
    with django_assert_num_queries(CALLER + SAVEPOINT + statements + AUDIT):
        check(client.post("/api/readconsumptionbatches", EXPORT | body), 201)


def test_starting_with_a_list_of_allowed_limits(client: ApiClient, django_assert_num_queries: Any) -> None:
    assert client.user is not None
    allow(user_id=client.user.pk, limits=[LimitFactory.create(code="VERT")])
    LimitFactory.create(code="OTHER")
    with django_assert_num_queries(CALLER + SAVEPOINT + 3 + AUDIT):
        check(client.post("/api/readconsumptionbatches", EXPORT | {"limitCodes": ["VERT"]}), 201)
    with django_assert_num_queries(CALLER + 1):
        check(client.post("/api/readconsumptionbatches", EXPORT | {"limitCodes": ["VERT", "OTHER"]}), 422)


def test_restarting(client: ApiClient, world: World, django_assert_num_queries: Any) -> None:
    path = f"/api/taskprocessing/{world.belongings['client'].failed.task_id}/restart"
    with django_assert_num_queries(CALLER + 2 * SAVEPOINT + 8 + AUDIT):
        check(client.post(path), 200)
