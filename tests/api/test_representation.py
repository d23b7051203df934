"""How resources look, and what the headers of a request change about that."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from hypermedia.media import JSON, RESOURCE
from jobs.models import Task
from tests.api import matrix
from tests.api.requests import address, undone
from tests.api.wire import check
from tests.api.world import World, claimed, failed, start
from tests.conftest import ApiClient, rel

pytestmark = pytest.mark.django_db

GET_ROUTES = [row.route for row in matrix.rows() if row.method == "GET" and row.expected["operator"][0] == 200]
TASK, BATCH = "api/generic/tasks/<id:pk>", "api/generic/readconsumptionbatches/<id:pk>"


@pytest.fixture
def client(world: World) -> ApiClient:
    return world.clients["client"]


@pytest.fixture
def user(world: World) -> User:
    return world.users["client"]


@pytest.fixture
def paths(world: World) -> dict[str, str]:
    names = world.identifiers("client", "own")
    return {route: address(route, names) for route in GET_ROUTES}


def test_head_is_get_without_a_body(world: World) -> None:
    """On every route that has GET, headers and all."""
    operator, names = world.clients["operator"], world.identifiers("operator", "own")
    assert len(GET_ROUTES) > 20
    for route in GET_ROUTES:
        answers = [operator.request(method, address(route, names), Accept="*/*") for method in ("GET", "HEAD")]
        headers = [dict(answer.headers) for answer in answers]
        for each in headers:
            each.pop("X-Request-ID")
            if route in {"metrics", "readyz"}:
                each.pop("Content-Length")  # its figures move from one request to the next
        assert headers[0] == headers[1], route
        assert answers[0].status_code == answers[1].status_code == 200
        assert answers[0].getvalue() and not answers[1].getvalue()


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (None, RESOURCE),
        ("*/*", RESOURCE),
        ("application/*", RESOURCE),
        (f"{RESOURCE},{RESOURCE}", RESOURCE),
        (JSON, JSON),
        (f"{JSON};q=0.9, {RESOURCE};q=0.8", JSON),
        (f"{JSON};q=0.8, {RESOURCE};q=0.9", RESOURCE),
        (f"{JSON}, text/plain, */*", JSON),
        (f"{JSON};q=0, */*", RESOURCE),
        (f"{RESOURCE};q=0, */*", JSON),
        (f"{JSON}; charset=utf-8", JSON),
        (f"text/html, {JSON};q=0.1", JSON),
    ],
)
def test_accept(client: ApiClient, paths: Any, accept: str | None, content_type: str) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = check(client.get(paths[TASK], **headers), 200)
    assert response.headers["Content-Type"] == content_type
    body = {"name": "x"}
    assert check(client.post("/api/accesstokens", body, **headers), 201).headers["Content-Type"] == content_type


def test_without_accept(client: ApiClient, paths: Any) -> None:
    credentials = {"Authorization": "user client"}
    response = check(client._client.generic("GET", paths[TASK], headers=credentials), 200)
    assert response.headers["Content-Type"] == RESOURCE


def test_an_answer_without_a_body_says_what_it_would_be(client: ApiClient) -> None:
    moment = {"value": "2019-02-18T18:11:51Z"}
    body = {"transactionStartDateTime": moment, "transactionEndDateTime": moment}
    for accept in (RESOURCE, JSON):
        response = check(client.post("/api/readconsumptionbatches", body, Accept=accept), 201)
        assert (response.content, response.headers["Content-Length"]) == (b"", "0")
        assert response.headers["Content-Type"] == accept
        assert client.get(response.headers["Location"]).status_code == 200
        assert client.get(response.headers["Operation-Location"]).json()["status"] == "Running"


def test_key_order(client: ApiClient, paths: Any) -> None:
    """type, id, the technical scalars by name, links, dates, then the rest; what is null is not there."""
    for route in (TASK, BATCH, "api/generic/interfacedmessages/<id:pk>", "api/generic/datafilesets/<id:pk>"):
        document = client.get(paths[route]).json()
        keys = list(document)
        links = keys.index("links")
        assert keys[:2] == ["type", "id"]
        assert keys[2:links] == sorted(keys[2:links])
        assert keys[links + 1 : links + 3] == ["creationDate", "lastUpdatedDate"]
        assert None not in document.values()


def test_progress_is_last(client: ApiClient, paths: Any) -> None:
    document = client.get(paths[BATCH]).json()
    assert list(document)[-3:] == ["transactionEndDateTime", "transactionStartDateTime", "progress"]
    assert document["progress"] == {"rowsWritten": 0}


def test_dates_in_the_servers_time_zone(client: ApiClient, user: User, settings: Any) -> None:
    batch = start(user)
    for zone, shown in (
        ("Europe/Amsterdam", "1970-10-11T14:04:41+01:00"),
        ("UTC", "1970-10-11T13:04:41+00:00"),
        ("America/New_York", "1970-10-11T09:04:41-04:00"),
    ):
        settings.TIME_ZONE = zone
        document = client.get(f"/api/generic/readconsumptionbatches/{batch.pk}").json()
        assert document["transactionStartDateTime"] == {"value": shown}


# -- entity tags -----------------------------------------------------------------------------------


def test_a_tag_that_still_holds_gives_304(client: ApiClient, paths: Any) -> None:
    for path in paths.values():
        first = client.get(path, Accept="*/*")
        first.getvalue()
        tag = first.headers.get("ETag")
        if tag is None:
            continue
        for header in (tag, f"W/{tag}", f'"other", {tag}', f'"other",W/{tag} ', "*"):
            for method in ("GET", "HEAD"):
                response = client.request(method, path, Accept="*/*", If_None_Match=header)
                check(response, 304)
                assert response.headers["ETag"] == tag
                assert "Content-Type" not in response.headers or "html" not in response.headers["Content-Type"]
        check(client.get(path, Accept="*/*", If_None_Match='"other"'), 200).getvalue()


def test_a_tag_begins_with_the_version(client: ApiClient, paths: Any) -> None:
    response = client.get(paths[TASK])
    assert response.headers["ETag"].startswith(f'"{response.json()["objectVersionNumber"]}-')


def test_a_tag_changes_with_the_version(client: ApiClient, user: User) -> None:
    batch = start(user)
    path = f"/api/generic/tasks/{batch.task_id}"
    before = client.get(path)
    claimed(batch)
    after = check(client.get(path, If_None_Match=before.headers["ETag"]), 200)
    assert after.json()["objectVersionNumber"] == before.json()["objectVersionNumber"] + 1
    assert after.headers["ETag"] != before.headers["ETag"]


def test_a_tag_changes_with_the_progress(client: ApiClient, user: User) -> None:
    batch = start(user)
    path = f"/api/generic/readconsumptionbatches/{batch.pk}"
    seen = {client.get(path).headers["ETag"]}
    for written, expected in ((1, None), (1, 100), (2, 100)):
        Task.objects.filter(pk=batch.task_id).update(rows_written=written, rows_expected=expected)
        response = check(client.get(path, If_None_Match=", ".join(seen)), 200)
        seen.add(response.headers["ETag"])
    assert len(seen) == 4


def test_a_tag_changes_with_the_readers_links(world: World) -> None:
    batch = failed(world.users["client"])
    path = f"/api/generic/tasks/{batch.task_id}"
    tag = world.clients["operator"].get(path).headers["ETag"]
    assert check(world.clients["client"].get(path), 200).headers["ETag"] == tag
    assert check(world.clients["auditor"].get(path, If_None_Match=tag), 200).headers["ETag"] != tag


def test_a_tag_changes_with_the_media_type(client: ApiClient, paths: Any) -> None:
    tag = client.get(paths[TASK], Accept=JSON).headers["ETag"]
    assert check(client.get(paths[TASK], Accept=RESOURCE, If_None_Match=tag), 200).headers["ETag"] != tag


def test_if_match(client: ApiClient, user: User) -> None:
    """A stale one refuses and changes nothing; the current version, however written, is taken."""
    batch = failed(user)
    task, restart = f"/api/generic/tasks/{batch.task_id}", f"/api/taskprocessing/{batch.task_id}/restart"
    before = client.get(task)
    version, tag = before.json()["objectVersionNumber"], before.headers["ETag"]
    for stale in (f'"{version + 1}"', f'"{version - 1}-x"', '"x"', '"1", "2"', "", f"{version}0"):
        check(client.post(restart, If_Match=stale), 412)
        assert client.get(task).content == before.content
    for current in (tag, f"W/{tag}", f'"{version}"', f'"0", {tag}', "*", f'"{version}-of-another-reader"'):
        with undone("POST"):
            check(client.post(restart, If_Match=current), 200)


def test_if_match_on_cancel_and_read(client: ApiClient, user: User) -> None:
    batch = start(user)
    path = f"/api/generic/readconsumptionbatches/{batch.pk}"
    before = client.get(path)
    check(client.delete(path, If_Match='"99"'), 412)
    check(client.get(path, If_Match='"99"'), 412)
    assert client.get(path).content == before.content
    check(client.get(path, If_Match=before.headers["ETag"]), 200)
    after = check(client.delete(path, If_Match=before.headers["ETag"]), 202)
    assert after.json()["objectVersionNumber"] == before.json()["objectVersionNumber"] + 1
    check(client.delete(path, If_Match=before.headers["ETag"]), 412)


def test_a_change_between_look_and_leap_is_412(client: ApiClient, user: User, monkeypatch: Any) -> None:
    """The version is compared again after the change, in its transaction, so nobody slips in between."""
    batch = failed(user)
    task = Task.objects.filter(pk=batch.task_id)
    from jobs import services

    def slow(**key: Any) -> Any:
        task.update(version=99)
        return services_restart(**key)

    services_restart = services.restart
    before = client.get(f"/api/generic/tasks/{batch.task_id}")
    monkeypatch.setattr(services, "restart", slow)
    restart = f"/api/taskprocessing/{batch.task_id}/restart"
    check(client.post(restart, If_Match=before.headers["ETag"]), 412)
    assert client.get(f"/api/generic/tasks/{batch.task_id}").content == before.content


# -- the rest --------------------------------------------------------------------------------------


def test_restart_and_its_body(client: ApiClient, user: User) -> None:
    """None is needed; an empty object is as good; anything else is read, and refused, like any other body."""
    batch = failed(user)
    restart = f"/api/taskprocessing/{batch.task_id}/restart"
    for body, content_type, status in (
        (b"{}", "text/plain", 415),
        (b"{", JSON, 400),
        (b'{"force": true}', JSON, 422),
        (b"[]", JSON, 422),
        (b"{}", RESOURCE, 200),
        (b"", "application/x-www-form-urlencoded", 200),
        (None, "", 200),
    ):
        with undone("POST"):
            check(client.post(restart, body, Content_Type=content_type), status)


def test_wrong_states_are_409_and_change_nothing(world: World, client: ApiClient) -> None:
    own = world.belongings["client"]
    for batch, method, state in (
        (own.running, "restart", "PENDING"),
        (own.completed, "restart", "COMPLETED"),
        (own.completed, "cancel", "COMPLETED"),
        (own.failed, "cancel", "ERRORED"),
    ):
        path = f"/api/generic/readconsumptionbatches/{batch.pk}"
        before = client.get(path).content
        if method == "restart":
            response = client.post(f"/api/taskprocessing/{batch.task_id}/restart")
        else:
            response = client.delete(path)
        assert state in check(response, 409).json()["detail"]
        assert client.get(path).content == before


def test_retry_after_while_in_progress(world: World, client: ApiClient) -> None:
    own = world.belongings["client"]
    for batch, waits in ((own.running, True), (own.completed, False), (own.failed, False)):
        response = client.get(f"/api/generic/readconsumptionbatches/{batch.pk}")
        assert ("Retry-After" in response.headers) == waits
        location = rel(response.json(), "operator")
        monitor = client.get(str(location).replace("generic/tasks", "operations"))
        assert ("Retry-After" in monitor.headers) == waits


@pytest.mark.parametrize("given", ["a", "A-b_c.d:e", "0" * 64, "6f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"])
def test_a_sane_request_id_is_kept(client: ApiClient, given: str) -> None:
    for path in ("/api", "/api/nowhere", "/healthz", "/admin/login/"):
        assert client.get(path, Accept="*/*", X_Request_ID=given).headers["X-Request-ID"] == given


def test_request_ids_are_made(client: ApiClient) -> None:
    made = {client.get("/api").headers["X-Request-ID"] for _ in range(3)}
    assert len(made) == 3
    assert all(len(each) == 32 for each in made)


def test_limit_codes_that_are_unknown(client: ApiClient) -> None:
    moment = {"value": "2019-02-18T18:11:51Z"}
    body = {"transactionStartDateTime": moment, "transactionEndDateTime": moment, "limitCodes": ["NOPE", "NO'PE"]}
    response = check(client.post("/api/readconsumptionbatches", body), 422)
    listed = response.json()["resultMessages"]["resultMessage"]
    assert [message["pointer"] for message in listed] == ["/limitCodes/0", "/limitCodes/1"]


def test_the_end_may_not_lie_before_the_start(client: ApiClient) -> None:
    body = {
        "transactionStartDateTime": {"value": "2019-02-18T18:11:51.001Z"},
        "transactionEndDateTime": {"value": "2019-02-18T19:11:51.000+01:00"},
        "limitCodes": ["NOPE"],
    }
    response = check(client.post("/api/readconsumptionbatches", body), 422)
    pointers = [message["pointer"] for message in response.json()["resultMessages"]["resultMessage"]]
    assert pointers == ["/transactionEndDateTime", "/limitCodes/0"]
