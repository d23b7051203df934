"""Who did what: every change and every reading of data leaves one entry, refusals too, and no entry changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from audit.services import record
from hypermedia.readers import Role
from tests.api.wire import check
from tests.api.world import World
from tests.conftest import ApiClient
from tests.factories import ConsumptionFactory

pytestmark = pytest.mark.django_db
MOMENT = {"value": "2019-02-18T18:11:51Z"}
EXPORT = {"transactionStartDateTime": MOMENT, "transactionEndDateTime": MOMENT}


@pytest.fixture
def trail(db: None) -> Any:
    """The entries of this test: those who made its world left some before."""
    newest = Entry.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return Entry.objects.filter(id__gt=newest).order_by("id")


def told(trail: Any) -> list[tuple[str, str, str, int | None]]:
    return list(trail.all().values_list("action", "subject", "result", "status"))


def test_a_start_says_who_when_and_from_where(testuser: ApiClient, trail: Any) -> None:
    answer = testuser.request("POST", "/api/readconsumptionbatches", EXPORT, {"REMOTE_ADDR": "192.0.2.7"})
    subject = check(answer, 201).headers["Location"].partition("/api/")[2]
    [entry] = trail
    assert (entry.action, entry.subject, entry.result) == ("operation.start", subject, "done")
    assert entry.user_id == testuser.user.pk  # type: ignore[union-attr]
    assert entry.address == "192.0.2.7"
    assert entry.request_id == answer.headers["X-Request-ID"]
    assert abs(timezone.now() - entry.at) < timedelta(minutes=1)


def test_a_life_of_an_operation(world: World, trail: Any) -> None:
    client, names = world.clients["client"], world.belongings["client"]
    check(client.post(f"/api/taskprocessing/{names.failed.task_id}/restart"), 200)
    check(client.post(f"/api/taskprocessing/{names.failed.task_id}/restart"), 409)
    batch = f"generic/readconsumptionbatches/{names.failed.pk}"
    check(client.delete(f"/api/{batch}"), 202)
    assert told(trail) == [
        ("operation.restart", batch, "done", None),
        (
            "POST taskprocessing/<pk>/restart",
            f"taskprocessing/{names.failed.task_id}/restart",
            "refused",
            409,
        ),
        ("operation.cancel", batch, "done", None),
    ]


def test_what_was_undone_is_told_as_refused(world: World, trail: Any) -> None:
    """The service's own entry goes with its transaction."""
    client, failed = world.clients["client"], world.belongings["client"].failed
    check(client.post(f"/api/taskprocessing/{failed.task_id}/restart", If_Match='"99-x"'), 412)
    assert [(result, status) for _, _, result, status in told(trail)] == [("refused", 412)]


def test_reading_data(world: World, trail: Any) -> None:
    names = world.belongings["client"].identifiers
    path = f"datafilesets/{names['set']}/datafiles/{names['file']}/data"
    world.clients["client"].get(f"/api/{path}").getvalue()
    world.clients["other"].get(f"/{path}").getvalue()
    assert told(trail) == [("data.read", path, "done", 200), ("data.read", path, "refused", 404)]


def test_what_reads_no_data_and_changes_nothing_leaves_nothing(world: World, trail: Any) -> None:
    client = world.clients["client"]
    check(client.get("/api/generic/tasks"), 200)
    check(client.post("/api/generic/tasks/search", {"resource": {}}), 200)
    check(client.post("/api/readconsumptionbatches", {"colour": "red"}), 422)
    check(client.request("PUT", "/api/generic/tasks/1"), 405)
    check(ApiClient(None).post("/api/readconsumptionbatches", EXPORT), 401)
    assert told(trail) == []


def test_tokens_and_forbidden_routes(client_of: Callable[..., ApiClient], trail: Any) -> None:
    check(client_of(Role.CLIENT).post("/api/accesstokens", {"name": "x"}), 201)
    check(client_of(Role.CLIENT).post("/api/taskprocessing?action=stop"), 403)
    check(client_of(Role.OPERATOR).post("/api/taskprocessing?action=stop"), 200)
    assert told(trail) == [
        ("POST accesstokens", "accesstokens", "done", 201),
        ("POST taskprocessing", "taskprocessing", "refused", 403),
        ("queue.stop", "taskprocessing", "done", None),
    ]


def test_the_console(client_of: Callable[..., ApiClient], trail: Any) -> None:
    user = client_of(Role.OPERATOR, is_staff=True, is_superuser=True).user
    assert user is not None
    browser = Client()
    login = {"username": user.username, "password": "wrong"}
    browser.post("/admin/login/", login)
    browser.post("/admin/login/", {**login, "password": user.username})
    browser.post("/admin/auth/group/add/", {"name": "a secret name"})
    browser.post("/admin/logout/")
    assert [(action, result) for action, _, result, _ in told(trail)] == [
        ("console.login", "refused"),
        ("console.login", "done"),
        ("console.add", "done"),
        ("console.logout", "done"),
    ]
    assert set(trail.values_list("user_id", flat=True)) == {user.pk}
    assert "secret" not in str(list(trail.values()))


def test_who_reads_of_people_in_the_console(client_of: Callable[..., ApiClient], trail: Any) -> None:
    entry = ConsumptionFactory.create()
    counter = entry.counter_period.counter
    user = client_of(Role.OPERATOR, is_staff=True, is_superuser=True).user
    assert user is not None
    browser = Client()
    browser.force_login(user)
    pages = ["consumption", f"consumption/{entry.pk}/change", "counter", f"counter/{counter.pk}/change"]
    for page in pages:
        assert browser.get(f"/admin/consumption/{page}/").status_code == 200
    assert browser.get("/admin/consumption/limit/").status_code == 200  # says nothing of people
    assert list(trail.filter(action="data.read").values_list("action", "subject", "user_id", "result")) == [
        ("data.read", f"admin/consumption/{page}/", user.pk, "done") for page in pages
    ]


def test_a_name_that_nobody_has_is_not_kept(trail: Any) -> None:
    Client().post("/admin/login/", {"username": "a password typed by mistake", "password": "x"})
    [entry] = trail.values()
    assert entry["user_id"] is None
    assert "mistake" not in str(entry)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET user_id = 1", "DELETE FROM audit_entry"],
)
def test_the_database_keeps_it(statement: str, trail: Any) -> None:
    record("something", user_id=1)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert trail.count() == 1


def test_what_is_old_goes(settings: Any, trail: Any) -> None:
    from audit.tasks import forget

    record("young", user_id=1)
    Entry.objects.create(action="old", at=timezone.now() - settings.AUDIT_RETENTION - timedelta(hours=1))
    Entry.objects.create(action="kept", at=timezone.now() - settings.AUDIT_RETENTION + timedelta(hours=1))
    assert forget() == 1
    assert sorted(trail.values_list("action", flat=True)) == ["kept", "young"]


def test_who_cannot_be_recorded_does_nothing(testuser: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves no entry must not happen."""
    from jobs.models import Task

    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(Entry.objects, "create", fail)
    before = Task.objects.count()
    testuser._client.raise_request_exception = False
    assert testuser.post("/api/readconsumptionbatches", EXPORT).status_code == 500
    assert Task.objects.count() == before


@pytest.mark.parametrize(
    ("behind", "forwarded", "expected"),
    [
        (False, "203.0.113.9", "192.0.2.7"),
        (True, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (True, "2001:db8::1", "2001:db8::1"),
        (True, "unknown", None),
    ],
)
def test_the_client_behind_a_proxy(
    testuser: ApiClient, settings: Any, behind: bool, forwarded: str, expected: Any, trail: Any
) -> None:
    """Only what our own proxy wrote counts, which stands last; a client cannot choose its address."""
    settings.BEHIND_TLS_PROXY = behind
    environ = {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_FORWARDED_FOR": forwarded}
    check(testuser.request("POST", "/api/readconsumptionbatches", EXPORT, environ), 201)
    assert trail.get().address == expected
