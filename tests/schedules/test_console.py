"""The pages of schedules: an operator makes, changes, pauses and runs them; an auditor only looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from consumption.models import ExportSeries, ReadConsumptionBatch
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.schedules.windows import WindowRule
from hypermedia.readers import Role
from tests.factories import LimitFactory, UserFactory
from tests.schedules.conftest import MakeSchedule

pytestmark = pytest.mark.django_db

LIST = "/admin/schedules/exportschedule/"
RUNS = "/admin/schedules/scheduledrun/"


@pytest.fixture
def console() -> Callable[[Role], Client]:
    def log_in(role: Role) -> Client:
        client = Client()
        client.force_login(UserFactory.create(roles=[role], is_staff=True))
        return client

    return log_in


@pytest.fixture
def operator(console: Callable[[Role], Client]) -> Client:
    return console(Role.OPERATOR)


def form(owner: User, **values: Any) -> dict[str, Any]:
    defaults = {
        "name": "Nightly",
        "owner": owner.pk,
        "limits": [],
        "window_rule": WindowRule.PREVIOUS_DAY,
        "cron": "30 5 * * *",  # which every day has
        "time_zone": "Europe/Amsterdam",
        "missed": "ONE",
    }
    return {**defaults, **values}


def act(client: Client, action: str, schedule: ExportSchedule) -> str:
    """Asks for the action's page and confirms it; the page that follows."""
    address = f"{LIST}act/{action}/?ids={schedule.pk}"
    return client.post(address, {"reason": "Asked for by phone"}, follow=True).content.decode()


def test_made_and_changed(operator: Client, owner: User) -> None:
    LimitFactory.create(code="VERT")
    answer = operator.post(f"{LIST}add/", form(owner, limits=["VERT"]), follow=True)
    schedule = ExportSchedule.objects.get()
    assert "Nightly" in answer.content.decode()
    assert (schedule.limit_codes, schedule.version, schedule.owner) == (["VERT"], 1, owner)
    page = operator.get(f"{LIST}{schedule.pk}/change/").content.decode()
    assert page.count(" 05:30 CE") >= 6, "the next one and the next five, by the schedule's clock"
    shown = operator.get(f"{LIST}{schedule.pk}/change/?edit=1").context["adminform"].form["limits"]
    assert [box.data["value"].value for box in shown.subwidgets if box.data["selected"]] == ["VERT"]
    operator.post(f"{LIST}{schedule.pk}/change/?edit=1", form(owner, cron="0 5 * * MON"))
    schedule.refresh_from_db()
    assert (schedule.limit_codes, schedule.cron, schedule.version) == (None, "0 5 * * MON", 2)
    assert list(Entry.objects.filter(action__startswith="schedule.").values_list("action", flat=True)) == [
        "schedule.add",
        "schedule.change",
    ]


def test_what_is_wrong_stands_beside_its_field(operator: Client, owner: User) -> None:
    wrong = form(owner, cron="30 2 * *", time_zone="Mars/Olympus", missed="ALL", window_rule="SINCE")
    page = operator.post(f"{LIST}add/", wrong).content.decode()
    for text in ("not 4. 30 2 * * MON is half past two", "Mars/Olympus is no time zone", "choose to run the latest"):
        assert text in page
    assert "Please correct the errors below" in page
    assert not ExportSchedule.objects.exists()


def test_only_who_may_start_exports_can_be_an_owner(operator: Client) -> None:
    nobody = UserFactory.create(roles=[Role.INTEGRATION])
    assert "not one of the available choices" in operator.post(f"{LIST}add/", form(nobody)).content.decode()


def test_acted_upon(operator: Client, schedule_of: MakeSchedule) -> None:
    schedule = schedule_of()
    assert "Paused." in act(operator, "pause", schedule)
    assert "is paused already" in act(operator, "pause", schedule)
    assert "Next five runs, once it is resumed" in operator.get(f"{LIST}{schedule.pk}/change/").content.decode()
    page = act(operator, "run-now", schedule)
    export = ReadConsumptionBatch.objects.get()
    assert f"export {export.pk}</a>" in page
    assert "Resumed; the next run is on" in act(operator, "resume", schedule)
    assert "nothing to begin anew" in act(operator, "begin-anew", schedule)
    page = operator.get(f"{LIST}{schedule.pk}/change/").content.decode()
    assert f"export {export.pk}</a>" in page
    assert "In Progress" in operator.get(LIST).content.decode()


def test_a_refused_run_says_why(operator: Client, schedule_of: MakeSchedule, owner: User) -> None:
    schedule = schedule_of()
    owner.groups.clear()
    assert "may not start exports" in act(operator, "run-now", schedule)
    assert ScheduledRun.objects.get().outcome == "refused"
    for address in (f"{LIST}{schedule.pk}/change/", RUNS, f"{RUNS}{ScheduledRun.objects.get().pk}/change/"):
        assert "may not start exports" in operator.get(address).content.decode()
    assert "refused" in operator.get(LIST).content.decode()
    assert "Refused scheduled exports" in operator.get("/admin/").content.decode()


def test_an_auditor_only_looks(console: Callable[[Role], Client], schedule_of: MakeSchedule, owner: User) -> None:
    schedule, auditor = schedule_of(), console(Role.AUDITOR)
    page = auditor.get(f"{LIST}{schedule.pk}/change/")
    assert page.status_code == 200
    assert "next five runs" in page.content.decode().lower()
    for action in ("pause", "run-now", "begin-anew"):
        act(auditor, action, schedule)
    assert auditor.post(f"{LIST}{schedule.pk}/change/?edit=1", form(owner, cron="0 5 * * *")).status_code == 403
    assert auditor.get(f"{LIST}add/").status_code == 403
    schedule.refresh_from_db()
    assert (schedule.version, schedule.paused, ScheduledRun.objects.exists()) == (1, False, False)


def test_nobody_deletes(operator: Client, schedule_of: MakeSchedule) -> None:
    assert operator.post(f"{LIST}{schedule_of().pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_list_asks_the_same_number_of_times_for_many(
    operator: Client, schedule_of: MakeSchedule, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        schedule_of(name=f"Nightly {number}")
    with django_assert_max_num_queries(12):
        assert operator.get(LIST).status_code == 200


def test_the_next_runs_are_shown_before_saving(operator: Client, console: Callable[[Role], Client]) -> None:
    page = operator.get(f"{LIST}add/").content.decode()
    assert f'data-preview="{LIST}preview/"' in page
    asked = {"cron": "30 5 * * *", "time_zone": "Europe/Amsterdam"}
    assert operator.get(f"{LIST}preview/", asked).content.decode().count(" 05:30 CE") == 5
    wrong = operator.get(f"{LIST}preview/", {**asked, "time_zone": "Mars/Olympus"}).content.decode()
    assert "Mars/Olympus is no time zone" in wrong
    assert "<li>" not in wrong
    assert "Give the times." in operator.get(f"{LIST}preview/").content.decode()
    assert console(Role.AUDITOR).get(f"{LIST}preview/", asked).status_code == 403


def test_limits_that_are_added_to_a_series_come_with_a_warning(
    operator: Client, schedule_of: MakeSchedule, owner: User
) -> None:
    for code in ("NEW", "VERT"):
        LimitFactory.create(code=code)
    schedule = schedule_of(window_rule=WindowRule.SINCE_LAST_SUCCESS, limit_codes=["VERT"])
    page = f"{LIST}{schedule.pk}/change/?edit=1"
    asked: dict[str, Any] = {"pk": schedule.pk, "limits": ["NEW", "VERT"]}
    warning = "Entries of the added limits (NEW) from before the last completed run are in no export"
    assert warning not in operator.get(f"{LIST}preview/", asked).content.decode(), "no run has completed yet"
    ExportSeries.objects.update(snapshot="1:1:", snapshot_at=timezone.now())
    assert warning in operator.get(f"{LIST}preview/", asked).content.decode()
    assert "of the other limits" in operator.get(f"{LIST}preview/", {"pk": schedule.pk}).content.decode()
    assert "Entries of" not in operator.get(f"{LIST}preview/", {**asked, "limits": ["VERT"]}).content.decode()
    answer = operator.post(
        page, form(owner, window_rule=WindowRule.SINCE_LAST_SUCCESS, limits=["NEW", "VERT"]), follow=True
    )
    assert warning in answer.content.decode()
    assert "Choose Begin anew" in answer.content.decode()
    schedule.refresh_from_db()
    assert schedule.limit_codes == ["NEW", "VERT"]


def test_a_format_that_is_not_installed_is_refused(
    operator: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumption.exporting.formats.find_spec", lambda name: None)
    page = operator.post(f"{LIST}add/", form(owner, format="parquet")).content.decode()
    assert "The format parquet is not installed on this server; ask for ndjson or csv." in page
    assert not ExportSchedule.objects.exists()
