"""Every page of the console opens for who may see it, at a number of statements that never grows unnoticed."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.roles import IN_WORDS
from consumption.allowances import allow
from consumption.models import Limit, ReadConsumptionBatch
from hypermedia.readers import Role
from jobs.callbacks.models import AccessToken, IntegrationJob, StatusReport
from jobs.models import InterfacedMessage, Task
from jobs.notifications.models import Alarm, Delivery
from tests.api.world import completed, failed, make_delivery, start
from tests.console.conftest import Person
from tests.factories import ConsumptionFactory, TransactionSourceFactory, UserFactory

RATCHET = Path(__file__).parent / "statements.json"
MOST_OF_A_NEW_PAGE = 10
pytestmark = pytest.mark.django_db


@pytest.fixture
def furnished(administrator: Person) -> Person:
    """An administrator, and at least one row on most pages."""
    client = UserFactory.create(roles=[Role.CLIENT])
    for make in (start, failed, completed):
        make(client)
        make(client)
    delivery = make_delivery(administrator.user)
    job = IntegrationJob.objects.create(integration=client, flagged=True)
    Delivery.objects.update(job=job)
    StatusReport.objects.create(job=job, user=client, answered=200, verdict="applied", request_id="r")
    Alarm.objects.create(kind=Alarm.Kind.DELIVERY_FAILED, text="x", subject="y", endpoint=delivery.endpoint, job=job)
    consumption = ConsumptionFactory.create(external_id="E1")
    TransactionSourceFactory.create()
    allow(user_id=client.pk, limits=[consumption.limit])
    Group.objects.get_or_create(name="somebody")
    expires = "2099-01-01T00:00:00Z"
    AccessToken.objects.create(user=client, name="t", scope="api", digest="d" * 64, expires_at=expires)
    return administrator


def pages() -> dict[str, Callable[[], str]]:
    """Each list and, where there is a row, its page."""
    found: dict[str, Callable[[], str]] = {"start": lambda: "/admin/", "queue": lambda: "/admin/queue/"}
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        found[f"{name} list"] = lambda name=name: reverse(f"admin:{name}_changelist")  # type: ignore[misc]
        found[f"{name} page"] = lambda name=name, model=model: _page(name, model)  # type: ignore[misc]
    return found


def _page(name: str, model: type) -> str:
    row = model._default_manager.order_by("-pk").first()  # type: ignore[attr-defined]
    return reverse(f"admin:{name}_change", args=[row.pk]) if row else ""


@pytest.mark.parametrize("name", sorted(pages()))
def test_statements_of_a_page(furnished: Person, name: str) -> None:
    """`statements.json` may only go down; a page that it does not name yet has to make do with a few."""
    path = pages()[name]()
    if not path:
        pytest.skip("no row")
    furnished.see(path)  # content types and the like are looked up once a process
    cache.clear()
    with CaptureQueriesContext(connection) as statements:
        furnished.see(path)
    most = json.loads(RATCHET.read_text()).get(name, MOST_OF_A_NEW_PAGE)
    assert len(statements) <= most, [one["sql"] for one in statements]


def test_the_ratchet_names_no_page_that_is_gone() -> None:
    assert set(json.loads(RATCHET.read_text())) <= set(pages())


def test_lists_need_no_more_statements_for_more_rows(furnished: Person) -> None:
    """Whatever a row needs comes with the rows."""
    client = UserFactory.create()

    def statements(model: type[Model]) -> int:
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        with CaptureQueriesContext(connection) as seen:
            furnished.see(path)
        return len(seen)

    start(client)
    models: tuple[type[Model], ...] = (Task, InterfacedMessage, ReadConsumptionBatch)
    before = [statements(model) for model in models]
    for _ in range(5):
        completed(UserFactory.create())
    assert [statements(model) for model in models] == before


def test_nobody_edits_what_is_read_only(furnished: Person) -> None:
    for name in ("jobs/task", "consumption/readconsumptionbatch", "consumption/consumption", "notifications/delivery"):
        assert furnished.client.get(f"/admin/{name}/add/").status_code == 403
    task = Task.objects.latest("pk")
    assert furnished.client.post(f"/admin/jobs/task/{task.pk}/change/", {"status": "COMPLETED"}).status_code == 403
    assert furnished.client.post(f"/admin/jobs/task/{task.pk}/delete/", {"post": "yes"}).status_code == 403


def test_operators_and_auditors_see_different_consoles(person: Callable[..., Person]) -> None:
    operator, auditor = person(Role.OPERATOR), person(Role.AUDITOR)
    for path in ("/admin/consumption/counter/", "/admin/consumption/consumption/", "/admin/auth/user/"):
        operator.see(path, 403)
        auditor.see(path, 403)
    make_delivery(operator.user)
    assert 'value="redeliver"' in operator.see("/admin/notifications/delivery/")
    assert 'value="redeliver"' not in auditor.see("/admin/notifications/delivery/")


def test_a_limit_is_changed_through_the_service(furnished: Person) -> None:
    limit = Limit.objects.get()
    path = f"/admin/consumption/limit/{limit.pk}/change/"
    answer = furnished.client.post(path, {"description": "new words", "reference": limit.reference})
    assert answer.status_code == 302
    assert Limit.objects.get().description == "new words"
    refused = furnished.client.post(path, {"description": "x", "reference": "LIFETIME"})  # it is counted by already
    assert "can no longer be LIFETIME" in refused.content.decode()
    added = {"code": "NEW", "description": "", "type": "AMOUNT", "currency": "XXQ", "reference": "LIFETIME"}
    assert "Currency XXQ is unknown" in furnished.client.post("/admin/consumption/limit/add/", added).content.decode()
    furnished.client.post("/admin/consumption/limit/add/", {**added, "currency": "EUR"})
    assert Limit.objects.get(code="NEW").currency == "EUR"


def test_users_and_groups_say_what_each_role_may_do(furnished: Person) -> None:
    client, group = User.objects.filter(groups__name=Role.CLIENT)[0], Group.objects.get(name=Role.CLIENT)
    for path in (
        f"/admin/auth/user/{client.pk}/change/",
        "/admin/auth/user/add/",
        f"/admin/auth/group/{group.pk}/change/",
    ):
        page = html.unescape(furnished.see(path))
        assert all(words in page for words in IN_WORDS.values())
    assert IN_WORDS[Role.CLIENT] in furnished.see("/admin/auth/group/")
    assert set(IN_WORDS) == set(Role)


def menu(person: Person) -> dict[str, list[str]]:
    """The titles of the sidebar, by section."""
    sections = person.client.get("/admin/").context["sidebar_navigation"]
    return {str(section["title"]): [str(item["title"]) for item in section["items"]] for section in sections}


WORK = ["Now", "Exports", "Imports", "Schedules", "Scheduled runs", "Tasks", "Queue", "Messages", "Data file sets"]
INTEGRATIONS = ["Jobs", "Status reports", "Endpoints", "Deliveries", "Events", "Alarms"]
LIMITS = ["Limits", "Transaction sources"]


def test_each_role_has_its_own_menu(person: Callable[..., Person], administrator: Person) -> None:
    """Operators and auditors see what happens, and nothing of persons; what they can do differs on every page."""
    seen = {"Work": WORK, "Integrations": INTEGRATIONS, "Master data": LIMITS}
    assert menu(person(Role.OPERATOR)) == {**seen, "Administration": ["Audit", "Access tokens"]}
    assert menu(person(Role.AUDITOR)) == {**seen, "Administration": ["Audit", "Access tokens"]}
    whole = menu(administrator)
    assert whole["Master data"] == ["Limits", "Lists of limits", "Counters", "Consumptions", "Transaction sources"]
    assert whole["Administration"] == ["Audit", "Users", "Groups", "Access tokens", "Celery's log"]
    assert menu(Person(UserFactory.create(is_staff=True))) == {"Work": ["Now"]}


def test_what_operators_are_offered_and_auditors_are_not(person: Callable[..., Person]) -> None:
    operator, auditor = person(Role.OPERATOR), person(Role.AUDITOR)
    broken = failed(UserFactory.create(roles=[Role.CLIENT]))
    make_delivery(operator.user)
    offered = {
        "/admin/consumption/readconsumptionbatch/": ["Start an export", 'value="restart"', 'value="cancel"'],
        f"/admin/consumption/readconsumptionbatch/{broken.pk}/change/": ["act/restart/"],
        "/admin/jobs/task/": ['value="restart"', 'value="cancel"'],
        "/admin/queue/": ["Stop the queue"],
        "/admin/notifications/delivery/": ['value="redeliver"'],
        "/admin/notifications/notificationendpoint/": ["notificationendpoint/add/", 'value="rotate"'],
        "/admin/schedules/exportschedule/": ["exportschedule/add/"],
        "/admin/callbacks/integrationjob/": ["integrationjob/add/"],
    }
    for path, marks in offered.items():
        for mark in marks:
            assert mark in operator.see(path), (path, mark)
            assert mark not in auditor.see(path), (path, mark)
