"""Links: for each reader, in each state, exactly those that work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hypermedia.media import JSON, RESOURCE
from hypermedia.readers import Role
from tests.api.requests import BODIES, undone
from tests.api.wire import check
from tests.api.world import PEOPLE, World, completed, failed, make_belongings, start, stored_set
from tests.conftest import ApiClient, rel, rels
from tests.factories import UserFactory, grant

pytestmark = pytest.mark.django_db

PUBLIC = "http://localhost:9998"
API = f"{PUBLIC}/api/"
READERS = ("client", "other", "operator", "auditor")


def all_links(document: Any) -> Iterator[dict[str, str]]:
    """Every link object, however deep."""
    if isinstance(document, dict):
        if "href" in document and "rel" in document:
            yield document
        for value in document.values():
            yield from all_links(value)
    elif isinstance(document, list):
        for value in document:
            yield from all_links(value)


@pytest.mark.parametrize("reader", READERS)
def test_no_link_is_dead(world: World, reader: str) -> None:
    """From the entry and everything that the reader may see, each link is followed, in every state there is."""
    client = world.clients[reader]
    operators = world.belongings["operator"].data_file_set.code
    endpoint = f"notificationendpoints/{world.nobodys['notificationendpoints']}"
    bodies = BODIES | {
        ("POST", "writeconsumptionbatches"): {"dataFileSetCode": operators},
        ("POST", f"{endpoint}/recover"): BODIES["POST", "notificationendpoints/<id:pk>/recover"],
        ("PUT", endpoint): BODIES["PUT", "notificationendpoints/<id:pk>"],
    }
    seen = {f"{API}"}
    for owner in world.belongings.values():
        for batch in (owner.running, owner.failed, owner.completed):
            seen.add(f"{API}generic/readconsumptionbatches/{batch.pk}")
    waiting = [("GET", href) for href in seen if client.get(href).status_code == 200]
    assert len(waiting) == 1 + len(PEOPLE) * 3 if reader in {"operator", "auditor"} else 4
    followed = set()
    while waiting:
        method, href = waiting.pop()
        followed.add((method, href))
        document = follow(client, method, href, bodies)
        if method == "GET":  # what another method made is undone, so nothing it links to is there
            found = {(link.get("httpMethod", "GET"), link["href"]) for link in all_links(document)}
            waiting += found - followed - set(waiting)
    assert len(followed) > 15


def follow(client: ApiClient, method: str, href: str, bodies: dict[tuple[str, str], Any] = BODIES) -> Any:
    """The resource behind a link; None behind what is no resource. What the request changed is undone."""
    assert href.startswith(API)
    with undone(method):
        response = client.request(method, href, bodies.get((method, href.removeprefix(API))), Accept="*/*")
        content = response.getvalue()
    assert response.status_code < 300, (method, href, response.status_code)
    return json.loads(content) if content and response.headers["Content-Type"] in {RESOURCE, JSON} else None


STATES = {
    # state -> links of the batch, links of its task: for who may change it, and for who may only look.
    start: (
        ["self", "operator", "monitor", "cancel"],
        ["self", "operator", "monitor"],
        ["self", "operator:messages", "operator:subject"],
        ["self", "operator:messages", "operator:subject"],
    ),
    failed: (
        ["self", "operator"],
        ["self", "operator"],
        ["self", "operator:messages", "operator:restart", "operator:subject"],
        ["self", "operator:messages", "operator:subject"],
    ),
    completed: (
        ["self", "operator", "datafileset"],
        ["self", "operator", "datafileset"],
        ["self", "operator:messages", "operator:subject"],
        ["self", "operator:messages", "operator:subject"],
    ),
}


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_links_per_state_and_reader(world: World, state: Any) -> None:
    batch = state(world.users["client"])
    for reader in ("client", "operator", "auditor"):
        client = world.clients[reader]
        document = client.get(f"/api/generic/readconsumptionbatches/{batch.pk}").json()
        task = client.get(str(rel(document, "operator"))).json()
        watching = reader == "auditor"
        assert (rels(document), rels(task)) == (STATES[state][0 + watching], STATES[state][2 + watching])
        for link in [*document["links"], *task["links"]]:
            assert ("httpMethod" in link) == (link["rel"] not in {"self", "canonical"})


def test_a_cancelled_batch_has_no_links_but_its_own(world: World) -> None:
    client = world.clients["client"]
    path = f"/api/generic/readconsumptionbatches/{world.belongings['client'].running.pk}"
    check(client.delete(path), 202)
    document = check(client.get(path), 200).json()
    assert (document["status"], rels(document)) == ("Cancelled", ["self", "operator"])
    assert "progress" not in document
    check(client.delete(path), 409)


def test_file_links_are_for_who_may_read_data(world: World) -> None:
    code = world.belongings["client"].data_file_set.code
    shown = {reader: world.clients[reader].get(f"/api/datafilesets/{code}").json() for reader in ("client", "operator")}
    assert rels(shown["client"]) == ["self", "datafileset", "file"]
    assert rels(shown["client"]["dataFiles"][0]) == ["file"]
    assert rels(shown["operator"]) == ["self", "datafileset"]
    assert rels(shown["operator"]["dataFiles"][0]) == []


@pytest.mark.parametrize(
    ("role", "sees_set", "reads_data"),
    [
        (Role.OPERATOR, True, True),
        (Role.AUDITOR, True, False),
        (Role.CLIENT, False, False),
        (Role.INTEGRATION, False, False),
    ],
)
def test_the_permission_to_read_data_is_an_operators(
    world: World, role: Role, sees_set: bool, reads_data: bool
) -> None:
    """Nobody else gains anything by it: no link, no content."""
    user = UserFactory.create(roles=[role])
    grant(user, "datafiles", "read_any_data")
    client, data_file_set = ApiClient(user), world.belongings["client"].data_file_set
    response = client.get(f"/api/datafilesets/{data_file_set.code}")
    assert (response.status_code == 200) == sees_set
    assert ("file" in rels(response.json()) if sees_set else False) == reads_data
    content = client.get(f"/api/datafilesets/{data_file_set.code}/datafiles/{data_file_set.data_files.get().code}/data")
    assert (content.status_code == 200) == reads_data
    content.getvalue()


def test_a_client_who_is_an_auditor_sees_all_and_changes_only_its_own(world: World) -> None:
    user = UserFactory.create(roles=[Role.CLIENT, Role.AUDITOR])
    client, foreign, own = ApiClient(user), world.belongings["client"], make_belongings(user)
    task = client.get(f"/api/generic/tasks/{foreign.failed.task_id}").json()
    assert rels(task) == ["self", "operator:messages", "operator:subject"]
    check(client.post(f"/api/taskprocessing/{foreign.failed.task_id}/restart"), 403)
    check(client.delete(f"/api/generic/readconsumptionbatches/{foreign.running.pk}"), 403)
    assert client.get(f"/api/generic/tasks/{foreign.failed.task_id}").json() == task
    check(client.post(f"/api/taskprocessing/{own.failed.task_id}/restart"), 200)
    check(client.delete(f"/api/generic/readconsumptionbatches/{own.running.pk}"), 202)


@pytest.mark.parametrize("reader", READERS)
def test_entry(world: World, reader: str) -> None:
    """The way in offers what the reader may start."""
    for path in ("/api", "/api/", "/"):
        response = check(world.clients[reader].get(path), 200)
        links = response.json()["links"]
        offered = {link["rel"]: link["href"] for link in links}
        assert ("readconsumptionbatches" in offered) == (reader != "auditor")
        assert {"self", "accesstokens", "service-doc", "service-desc"} <= offered.keys()
        assert offered["self"] == API
        assert ("generic/counters" in offered) == (reader != "auditor")
        watches = reader in {"operator", "auditor"}
        assert ("notificationendpoints" in offered) == ("taskprocessing" in offered) == watches
        for link in links:
            if link.get("httpMethod") == "GET":
                assert world.clients[reader].get(link["href"], Accept="*/*").status_code == 200, link


def test_public_url_is_used_whatever_the_request_says(world: World, settings: Any) -> None:
    settings.PUBLIC_URL = "https://tallyport.example/base"
    names = world.belongings["client"].identifiers
    strange = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp"}
    for path in (
        "/api",
        f"/generic/readconsumptionbatches/{names['readconsumptionbatches']}",
        f"/generic/tasks/{names['tasks']}",
        f"/datafilesets/{names['set']}",
        f"/operations/{names['operations']}",
        f"/generic/interfacedmessages/{names['interfacedmessages']}",
    ):
        response = check(world.clients["client"].get(path, **strange), 200)
        links = list(all_links(response.json()))
        assert links
        assert all(link["href"].startswith("https://tallyport.example/base/api/") for link in links)
    body = BODIES["POST", "readconsumptionbatches"]
    response = check(world.clients["client"].post("/readconsumptionbatches", body, **strange), 201)
    for header in ("Location", "Operation-Location"):
        assert response.headers[header].startswith("https://tallyport.example/base/api/")


def test_link_header_is_the_links(world: World) -> None:
    names = world.belongings["client"].identifiers
    for path in (f"/api/generic/tasks/{names['tasks']}", f"/api/datafilesets/{names['set']}", "/api"):
        response = world.clients["client"].get(path)
        expected = ", ".join(f'<{link["href"]}>; rel="{link["rel"]}"' for link in response.json()["links"])
        assert response.headers["Link"] == expected


def test_the_alias_answers_the_same(world: World) -> None:
    client, names = world.clients["client"], world.belongings["client"].identifiers
    for path in (f"generic/tasks/{names['tasks']}", f"datafilesets/{names['set']}", "generic/tasks/999999999999"):
        below, root = client.get(f"/api/{path}"), client.get(f"/{path}")
        assert below.status_code == root.status_code
        if below.status_code == 200:
            assert below.content == root.content
            assert below.headers["ETag"] == root.headers["ETag"]


def test_a_set_with_many_files(world: World) -> None:
    """The body has every link; the header as many as servers and proxies let pass."""
    data_file_set = stored_set(world.users["client"])
    template = data_file_set.data_files.get()
    for number in range(60):
        template.pk, template.code, template.storage_key = None, f"FILE{number}", f"key{number}"
        template.save(force_insert=True)
    response = check(world.clients["client"].get(f"/api/datafilesets/{data_file_set.code}"), 200)
    assert rels(response.json()).count("file") == 61
    assert len(response.headers["Link"]) <= 4000
    assert response.headers["Link"].startswith(f'<{API}datafilesets/{data_file_set.code}>; rel="self", ')
