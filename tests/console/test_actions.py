"""Every named action of every page: its permission, its question, its reason and its entry in the trail."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.utils import timezone

from audit.console.actions import NamedAction, NecessaryReasonForm, subject_of
from audit.models import Entry
from config.roles import PERMISSIONS
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.schedules.services import store
from consumption.writing import operation
from datafiles.models import DataFileSet
from hypermedia.readers import Role
from jobs import services
from jobs.callbacks.models import AccessToken, IntegrationJob
from jobs.notifications.models import Delivery, NotificationEndpoint
from tests.api.world import claimed, failed, make_delivery, start, stored_set
from tests.console.conftest import Person
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PAGES = {
    f"{model._meta.app_label}/{model._meta.model_name}": page
    for model, page in admin.site._registry.items()
    if getattr(page, "named_actions", ())
}
ACTIONS = [(path, action) for path, page in PAGES.items() for action in getattr(page, "named_actions")]  # noqa: B009
ANSWERS = {"reason": "a test", "since": "2026-01-01T00:00"}


def _schedule(user: Any, **values: Any) -> ExportSchedule:
    schedule = ExportSchedule(
        name=f"s{values}", owner=user, window_rule=values.pop("window_rule", "DAY"), cron="0 3 * * *", time_zone="UTC"
    )
    store(schedule=schedule, user_id=user.pk)
    ExportSchedule.objects.filter(pk=schedule.pk).update(**values)
    return schedule


def _set(user: Any, **values: Any) -> DataFileSet:
    made = stored_set(user)
    DataFileSet.objects.filter(pk=made.pk).update(**values)
    return made


def _endpoint(user: Any, **values: Any) -> NotificationEndpoint:
    made = make_delivery(user).endpoint
    NotificationEndpoint.objects.filter(pk=made.pk).update(**values)
    return made


def _import(user: Any, *, broken: bool) -> Any:
    batch = operation.start(user_id=user.pk, set_id=stored_set(user).pk)
    if broken:
        services.fail(task=claimed(batch), code="X", text="Broken.")  # type: ignore[arg-type]
    return batch


def _given_up(user: Any) -> Delivery:
    delivery = make_delivery(user)
    Delivery.objects.filter(pk=delivery.pk).update(status="FAILED")
    return delivery


# For each page and action a row that it can be done with.
ROWS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("consumption/readconsumptionbatch", "restart"): failed,
    ("consumption/readconsumptionbatch", "cancel"): start,
    ("consumption/writeconsumptionbatch", "restart"): lambda user: _import(user, broken=True),
    ("consumption/writeconsumptionbatch", "cancel"): lambda user: _import(user, broken=False),
    ("consumption/readconsumptionbatch", "acknowledge"): failed,
    ("consumption/writeconsumptionbatch", "acknowledge"): lambda user: _import(user, broken=True),
    ("jobs/task", "acknowledge"): lambda user: failed(user).task,
    ("notifications/notificationendpoint", "leave-off"): lambda user: _endpoint(
        user, active=False, disabled_reason="It is gone."
    ),
    ("jobs/task", "restart"): lambda user: failed(user).task,
    ("jobs/task", "cancel"): lambda user: start(user).task,
    ("datafiles/datafileset", "hold"): _set,
    ("datafiles/datafileset", "release"): lambda user: _set(user, hold_reason="x"),
    ("datafiles/datafileset", "unlock"): lambda user: _set(user, locked=True),
    ("callbacks/integrationjob", "acknowledge"): lambda user: IntegrationJob.objects.create(
        integration=user, flagged=True
    ),
    ("callbacks/accesstoken", "revoke"): lambda user: AccessToken.objects.issue(
        user=user, name="t", scope="api", expires_at=timezone.now() + timedelta(days=1)
    )[0],
    ("notifications/delivery", "redeliver"): _given_up,
    ("notifications/delivery", "acknowledge"): _given_up,
    ("notifications/notificationendpoint", "test"): _endpoint,
    ("notifications/notificationendpoint", "enable"): lambda user: _endpoint(user, active=False),
    ("notifications/notificationendpoint", "rotate"): _endpoint,
    ("notifications/notificationendpoint", "recover"): _endpoint,
    ("schedules/exportschedule", "run-now"): _schedule,
    ("schedules/exportschedule", "pause"): _schedule,
    ("schedules/exportschedule", "resume"): lambda user: _schedule(user, paused=True),
    ("schedules/scheduledrun", "acknowledge"): lambda user: ScheduledRun.objects.create(
        schedule=_schedule(user), planned_at=timezone.now(), outcome="refused"
    ),
    ("schedules/exportschedule", "begin-anew"): lambda user: _schedule(user, window_rule="SINCE"),
}


def names(case: Any) -> str:
    return case if isinstance(case, str) else str(case.name)


def test_every_action_has_a_row_here() -> None:
    assert set(ROWS) == {(path, action.name) for path, action in ACTIONS}


@pytest.mark.parametrize(("path", "action"), ACTIONS, ids=names)
def test_an_action_is_asked_about_done_and_recorded(person: Callable[..., Person], path: str, action: Any) -> None:
    operator, auditor = person(Role.OPERATOR), person(Role.AUDITOR)
    client = UserFactory.create(roles=[Role.CLIENT])
    row = ROWS[path, action.name](client)
    page = f"/admin/{path}/act/{action.name}/?ids={row.pk}"
    button = f"/admin/{path}/act/{action.name}/?ids={row.pk}"

    shown = auditor.see(f"/admin/{path}/{row.pk}/change/")
    assert button not in shown, "whoever may not do it is not offered it"
    auditor.see(page, 403)
    assert auditor.act(path, action.name, row.pk, **ANSWERS).status_code == 403

    assert button in operator.see(f"/admin/{path}/{row.pk}/change/")
    question = operator.see(page)
    assert action.effect in html.unescape(question)
    assert ("This cannot be undone." in question) == action.is_final
    if issubclass(action.form, NecessaryReasonForm):
        assert "This field is required" in operator.act(path, action.name, row.pk).content.decode()
    before = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    assert operator.act(path, action.name, row.pk, **ANSWERS).status_code == 200
    entry = Entry.objects.get(pk__gt=before, action=f"console.{action.name}")
    assert (entry.user_id, entry.subject, entry.result) == (operator.user.pk, subject_of(row), "done")
    assert entry.detail["reason"] == "a test"


@pytest.mark.parametrize(("path", "action"), ACTIONS, ids=names)
def test_one_permission_is_enough_and_needed(person: Callable[..., Person], path: str, action: NamedAction) -> None:
    """Each action hangs on its own permission, which operators have and auditors have not."""
    assert action.permission in PERMISSIONS[Role.OPERATOR]
    assert action.permission not in PERMISSIONS[Role.AUDITOR]
    row = ROWS[path, action.name](UserFactory.create(roles=[Role.CLIENT]))
    page = f"/admin/{path}/act/{action.name}/?ids={row.pk}"
    somebody = person(Role.AUDITOR)
    somebody.see(page, 403)
    app_label, codename = action.permission.split(".")
    somebody.user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    somebody.see(page)
