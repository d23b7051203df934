"""Collections over HTTP: the envelope, the links from page to page, searching, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hypermedia.readers import Role
from jobs.models import Task
from tests.api.world import completed, failed, start, stored_set
from tests.conftest import ApiClient, rel, rels
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

COLLECTIONS = [
    "generic/readconsumptionbatches",
    "generic/tasks",
    "generic/interfacedmessages",
    "generic/tasktypes",
    "generic/tables",
    "generic/datafilesets",
    "datafilesets",
]
SEARCHED = [path for path in COLLECTIONS if path.startswith("generic/")]


@pytest.fixture
def owner() -> User:
    return UserFactory.create(roles=[Role.CLIENT])


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["items"]]


def follow(client: ApiClient, answer: Any, name: str) -> Any:
    href = rel(answer.json(), name)
    assert href is not None
    return client.get(href)


def messages(answer: Any) -> list[tuple[str, str | None]]:
    assert answer.status_code == 422, answer.content
    return [(one["code"], one.get("pointer")) for one in answer.json()["resultMessages"]["resultMessage"]]


def test_the_envelope(owner: User) -> None:
    batch = start(owner)
    answer = ApiClient(owner).get("/api/generic/readconsumptionbatches?offset=0&limit=50")
    single = ApiClient(owner).get(f"/api/generic/readconsumptionbatches/{batch.pk}")
    assert list(answer.json().items()) == [
        ("offset", "0"),
        ("count", "1"),
        ("hasMore", False),
        ("limit", "50"),
        ("items", [single.json()]),
        (
            "links",
            [
                {
                    "href": "http://localhost:9998/api/generic/readconsumptionbatches?limit=50&offset=0",
                    "rel": "self",
                }
            ],
        ),
    ]
    assert list(answer.json()["items"][0]) == list(single.json())
    assert answer.headers["Link"] == f'<{rel(answer.json(), "self")}>; rel="self"'


@pytest.mark.parametrize("path", COLLECTIONS)
def test_items_are_the_documents_of_the_single_resources(owner: User, path: str) -> None:
    failed(owner), completed(owner)
    client = ApiClient(owner)
    items = client.get(f"/api/{path}").json()["items"]
    assert items
    for item in items:
        assert client.get(rel(item, "self") or "").json() == item


@pytest.mark.parametrize("path", COLLECTIONS)
def test_from_page_to_page_and_back(owner: User, path: str) -> None:
    for _ in range(3):
        completed(owner)
    client = ApiClient(owner)
    everything = client.get(f"/{path}").json()["items"]
    answer = client.get(f"/{path}?limit=2")
    pages = [answer.json()["items"]]
    while answer.json()["hasMore"]:
        assert rels(answer.json())[0] == "next"
        answer = follow(client, answer, "next")
        pages.append(answer.json()["items"])
        assert answer.json()["offset"] == str(2 * (len(pages) - 1))
        assert client.get(rel(answer.json(), "self") or "").json() == answer.json()
    assert [item for page in pages for item in page] == everything
    assert "next" not in rels(answer.json())
    for expected in pages[-2::-1]:
        answer = follow(client, answer, "prev")
        assert answer.json()["items"] == expected
        assert answer.json()["hasMore"]
    assert answer.json()["offset"] == "0"
    assert "prev" not in rels(answer.json())


def test_back_from_an_offset(owner: User) -> None:
    batches = [start(owner).pk for _ in range(5)]
    client = ApiClient(owner)
    third = client.get("/api/generic/readconsumptionbatches?offset=3&limit=2")
    assert ids(third) == batches[3:]
    second = follow(client, third, "prev")
    assert (ids(second), second.json()["offset"]) == (batches[1:3], "1")
    first = follow(client, second, "prev")
    assert (ids(first), first.json()["offset"], first.json()["hasMore"]) == (batches[:1], "0", True)
    assert "prev" not in rels(first.json())
    past = client.get("/api/generic/readconsumptionbatches?offset=7&limit=2")
    assert (ids(past), past.json()["count"], past.json()["hasMore"]) == ([], "0", False)
    assert ids(follow(client, past, "prev")) == []


@pytest.mark.parametrize("order", ["id:desc", "status", "status:desc", "creationDate:desc", "status,id:desc"])
def test_pages_follow_the_order(owner: User, order: str) -> None:
    for make in (start, failed, start, completed, failed):
        make(owner)
    client = ApiClient(owner)
    everything = ids(client.get(f"/api/generic/tasks?orderBy={order}"))
    assert len(everything) == 5
    answer = client.get(f"/api/generic/tasks?orderBy={order}&limit=2")
    seen = ids(answer)
    while answer.json()["hasMore"]:
        answer = follow(client, answer, "next")
        seen += ids(answer)
    assert seen == everything


def test_status_first_and_newest_first(owner: User) -> None:
    made = [make(owner).task_id for make in (start, failed, start, failed)]
    answer = ApiClient(owner).get("/api/generic/tasks?orderBy=status,id:desc")
    assert ids(answer) == [made[3], made[1], made[2], made[0]]


def test_a_search_is_the_same_as_a_get_and_its_links_are_gets(owner: User) -> None:
    made = [failed(owner).pk for _ in range(3)]
    start(owner)
    client = ApiClient(owner)
    resource = {"q": "status.eq('Failed').and.id.gt(0)", "orderBy": "id:desc", "limit": 2, "totalResults": True}
    found = client.post("/api/generic/readconsumptionbatches/search", {"resource": resource})
    assert ids(found) == [made[2], made[1]]
    assert list(found.json())[:5] == ["offset", "count", "hasMore", "limit", "totalResults"]
    assert found.json()["totalResults"] == "3"
    assert client.get(rel(found.json(), "self") or "").json() == found.json()
    rest = follow(client, found, "next")
    assert (ids(rest), rest.json()["totalResults"]) == ([made[0]], "3")


@pytest.mark.parametrize("path", SEARCHED)
def test_every_generic_collection_is_searched(owner: User, path: str) -> None:
    batch = completed(owner)
    client = ApiClient(owner)
    one = client.get(f"/api/{path}?orderBy=id:desc&limit=1").json()["items"][0]["id"]
    found = client.post(
        f"/api/{path}/search", {"resource": {"q": f"id.in({one},{2**62})", "offset": "0", "limit": "1"}}
    )
    assert ids(found) == [one]
    assert client.post(f"/api/{path}/search", {"resource": {}}).json()["items"]
    assert batch.pk


def test_each_field_is_searched(owner: User) -> None:
    batch, task = failed(owner), Task.objects.get()
    moment, client = task.creation_date.isoformat(timespec="milliseconds").replace("+", "%2B"), ApiClient(owner)
    for q, path in (
        (f"subjectId.eq({batch.pk})", "generic/tasks"),
        (f"taskType.id.eq({task.task_type_id})", "generic/tasks"),
        ("taskType.code.like('Read%25')", "generic/tasks"),
        (f"createdBy.eq({owner.pk})", "generic/tasks"),
        (f"creationDate.eq('{moment}')", "generic/tasks"),
        (f"creationDate.lte('{moment}')", "generic/tasks"),
        (f"lastUpdatedDate.gte('{moment}')", "generic/tasks"),
        ("status.ne('PENDING')", "generic/tasks"),
        (f"task.id.eq({task.pk})", "generic/interfacedmessages"),
        (f"task.id.eq({task.pk})", "generic/readconsumptionbatches"),
        ("transactionStartDateTime.eq('1970-10-11T13:04:41Z')", "generic/readconsumptionbatches"),
    ):
        assert len(ids(client.get(f"/api/{path}?q={q}"))) == 1, q
    for q in (f"creationDate.gt('{moment}')", f"creationDate.ne('{moment}')", "taskType.code.like('Read\\%25')"):
        assert ids(client.get(f"/api/generic/tasks?q={q}")) == [], q


def test_like(owner: User) -> None:
    codes = {"A%B", "AxB", "A_B"}
    for code in codes:
        stored = stored_set(owner)
        type(stored).objects.filter(pk=stored.pk).update(code=code)
    client = ApiClient(owner)

    def found(pattern: str) -> set[str]:
        search = {"resource": {"q": f"code.like('{pattern}')"}}
        return {one["code"] for one in client.post("/api/generic/datafilesets/search", search).json()["items"]}

    assert found("A%") == found("A_B") == codes
    assert found("A\\%B") == {"A%B"}
    assert found("a%") == found("B") == set()


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("status.like('%25E%25')", ["COMPLETED", "ERRORED", "PENDING"]),
        ("status.like('PENDIN_')", ["PENDING"]),
        ("status.like('PENDING*')", []),
        ("status.like('[A-Z]%25')", []),
        ("status.like('pending')", []),
        ("status.like('%25\\%25')", []),
        ("status.lt('ERRORED')", ["COMPLETED"]),
        ("status.lte('ERRORED')", ["COMPLETED", "ERRORED"]),
        ("status.gt('ERRORED')", ["PENDING"]),
        ("status.gte('ERRORED').and.status.ne('PENDING')", ["ERRORED"]),
        ("status.lt('CANCELLED')", []),
    ],
)
@pytest.mark.parametrize("order", ["status", "id", "status:desc"])
def test_every_operator_on_a_closed_list(owner: User, q: str, expected: list[str], order: str) -> None:
    for make in (failed, start, completed):
        make(owner)
    answer = ApiClient(owner).get(f"/api/generic/tasks?q={q}&orderBy={order}&totalResults=true")
    assert answer.status_code == 200, answer.content
    assert sorted(item["status"] for item in answer.json()["items"]) == expected
    assert answer.json()["totalResults"] == str(len(expected))


def test_clients_find_their_own_and_watchers_everything(owner: User, auditor: ApiClient, operator: ApiClient) -> None:
    mine, other = completed(owner), UserFactory.create(roles=[Role.CLIENT])
    foreign = completed(other)
    batches = "/api/generic/readconsumptionbatches"
    assert ids(ApiClient(owner).get(batches)) == [mine.pk]
    assert ids(ApiClient(owner).get(f"{batches}?q=id.eq({foreign.pk})")) == []
    for watcher in (auditor, operator):
        assert ids(watcher.get(batches)) == [mine.pk, foreign.pk]
    assert ApiClient(owner).get(f"{batches}?totalResults=true").json()["totalResults"] == "1"
    for path in ("generic/tasks", "generic/interfacedmessages", "datafilesets", "generic/datafilesets"):
        assert len(ApiClient(other).get(f"/api/{path}").json()["items"]) == 1
        assert len(auditor.get(f"/api/{path}").json()["items"]) == 2
    [item] = [one for one in auditor.get("/api/datafilesets").json()["items"] if one["code"]][:1]
    assert "file" not in rels(item)


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ("limit=0", [("GEN-IP-016", "/limit")]),
        ("limit=201", [("GEN-IP-016", "/limit")]),
        ("limit=-1&offset=-1", [("GEN-IP-016", "/offset"), ("GEN-IP-016", "/limit")]),
        ("limit=1e1", [("GEN-IP-016", "/limit")]),
        ("limit=%D9%A1", [("GEN-IP-016", "/limit")]),
        ("offset=10001", [("GEN-IP-017", "/offset")]),
        ("offset=99999999999999999999", [("GEN-IP-016", "/offset")]),
        ("ofset=1", [("GEN-IP-012", "/ofset")]),
        ("totalResults=1", [("GEN-IP-015", "/totalResults")]),
        ("q=", [("GEN-IP-011", "/q")]),
        ("q=id.eq(1", [("GEN-IP-018", "/q")]),
        ("q=task_type__code.eq('x')", [("GEN-IP-018", "/q")]),
        ("q=id.eq(%00)", [("GEN-IP-015", "/q")]),
        ("orderBy=nonsense", [("GEN-IP-019", "/orderBy")]),
        ("orderBy=taskType.code", [("GEN-IP-019", "/orderBy")]),
        ("orderBy=status:up", [("GEN-IP-019", "/orderBy")]),
        ("orderBy=status,status:desc", [("GEN-IP-019", "/orderBy")]),
        ("orderBy=status,status,status,status,status,status", [("GEN-IP-019", "/orderBy")]),
        ("cursor=nonsense", [("GEN-IP-020", "/cursor")]),
        ("cursor=nonsense&offset=0", [("GEN-IP-020", "/offset")]),
    ],
)
def test_refusals(testuser: ApiClient, asked: str, refused: list[tuple[str, str]]) -> None:
    assert messages(testuser.get(f"/api/generic/tasks?{asked}")) == refused


def test_a_deep_offset_is_told_how_to_get_further(testuser: ApiClient) -> None:
    assert testuser.get("/api/generic/tasks?offset=10000").status_code == 200
    answer = testuser.get("/api/generic/tasks?offset=10001")
    assert "follow the links named next" in answer.json()["detail"]


def test_a_parameter_that_stands_twice_is_malformed(testuser: ApiClient) -> None:
    assert testuser.get("/api/generic/tasks?limit=1&limit=2").status_code == 400


@pytest.mark.parametrize(
    ("resource", "refused"),
    [
        ({"q": "id.eq('1')"}, [("GEN-IP-018", "/resource/q")]),
        ({"q": 1}, [("GEN-IP-015", "/resource/q")]),
        ({"orderBy": "x"}, [("GEN-IP-019", "/resource/orderBy")]),
        ({"limit": 0}, [("GEN-IP-016", "/resource/limit")]),
        ({"limit": 1.5}, [("GEN-IP-016", "/resource/limit")]),
        ({"limit": True}, [("GEN-IP-016", "/resource/limit")]),
        ({"totalResults": 1}, [("GEN-IP-015", "/resource/totalResults")]),
        ({"cursor": "x"}, [("GEN-IP-012", "/resource/cursor")]),
        ([], [("GEN-IP-015", "/resource")]),
    ],
)
def test_refused_searches(testuser: ApiClient, resource: Any, refused: list[tuple[str, str]]) -> None:
    assert messages(testuser.post("/api/generic/tasks/search", {"resource": resource})) == refused


def test_a_search_needs_its_body(testuser: ApiClient) -> None:
    assert testuser.post("/api/generic/tasks/search").status_code == 400
    assert messages(testuser.post("/api/generic/tasks/search", {})) == [("GEN-IP-010", "/resource")]


def test_a_cursor_fits_only_its_own_query(owner: User) -> None:
    for _ in range(3):
        start(owner)
    client = ApiClient(owner)
    answer = client.get("/api/generic/tasks?limit=1")
    address = rel(answer.json(), "next") or ""
    assert client.get(address.replace("limit=1", "limit=2")).status_code == 200
    for changed in (
        f"{address}&orderBy=id:desc",
        f"{address}&q=id.gt(0)",
        address.replace("tasks", "tables"),
        f"{address}x",
    ):
        assert messages(client.get(changed)) == [("GEN-IP-020", "/cursor")]


@pytest.mark.parametrize(
    ("path", "statements"),
    [
        ("generic/readconsumptionbatches", 1),
        ("generic/tasks", 1),
        ("generic/tasktypes", 1),
        ("generic/tables", 1),
        ("generic/interfacedmessages", 2),  # and the messages
        ("generic/datafilesets", 2),  # and the files
        ("datafilesets", 2),
    ],
)
def test_the_statements_of_a_page_do_not_depend_on_its_size(owner: User, path: str, statements: int) -> None:
    for _ in range(3):
        completed(owner)
    client = ApiClient(owner)
    client.get(f"/api/{path}")  # who asks is known from now on
    for limit in (1, 3):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(f"/api/{path}?limit={limit}")
        plain = len(asked)
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/api/{path}?limit={limit}&totalResults=true")
        assert len(asked) == plain + 1
        assert plain - identification() == statements


def identification() -> int:
    """How many statements it takes to know who asks."""
    user = UserFactory.create(roles=[Role.CLIENT])
    ApiClient(user).get("/api")
    with CaptureQueriesContext(connection) as asked:
        ApiClient(user).get("/api")
    return len(asked)


def test_head_options_and_other_methods(testuser: ApiClient) -> None:
    answer = testuser.request("HEAD", "/api/generic/tasks")
    assert (answer.status_code, answer.content) == (200, b"")
    assert testuser.request("OPTIONS", "/api/generic/tasks").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert testuser.get("/api/generic/tasks/search").status_code == 405
    assert testuser.post("/api/generic/tasks", {}).headers["Allow"] == "GET, HEAD, OPTIONS"
