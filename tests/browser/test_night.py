"""What an operator does at night, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumption.console.operations import OperationAdmin
from consumption.models import ReadConsumptionBatch
from consumption.schedules.models import ExportSchedule
from hypermedia.readers import Role
from jobs import services
from jobs.notifications.models import Delivery
from jobs.notifications.services import create_endpoint
from jobs.notifications.states import DeliveryStatus
from jobs.states import OperationStatus
from tests.api.world import claimed, failed, start
from tests.browser.conftest import Desk
from tests.factories import ConsumptionFactory, LimitFactory
from tests.notifications.conftest import happened, send_all
from tests.notifications.receiver import Receiver

Desks = Callable[..., Desk]


def test_a_failed_operation_is_read_restarted_and_watched(desk_of: Desks, work: Callable[[], None]) -> None:
    desk = desk_of(Role.OPERATOR)
    batch = failed(desk.person.user)
    desk.open("/admin/")
    desk.press("Failed exports")
    desk.page.get_by_role("link", name=str(batch.pk), exact=True).click()
    desk.see("Broken on purpose. A restart can help.")
    desk.press("Restart")
    desk.page.get_by_label("Reason").fill("the disk has room again")
    desk.press("Restart")
    desk.see("was restarted and waits for a worker")
    address = desk.page.url
    desk.page.evaluate("window.stillTheSamePage = true")
    work()
    desk.page.locator("#headline").get_by_text("Completed").wait_for()
    assert desk.page.url == address
    assert desk.page.evaluate("window.stillTheSamePage")  # nobody reloaded it
    desk.see("restart")
    assert desk.page.locator("#panel-timeline").get_by_text("the disk has room again").is_visible()
    assert ReadConsumptionBatch.objects.get().status == OperationStatus.COMPLETED
    assert desk.complaints == []


def test_what_can_be_done_changes_with_the_state(
    desk_of: Desks, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is left open; what happens elsewhere shows on all of it, and what had the focus does not vanish."""
    monkeypatch.setattr(OperationAdmin, "quiet_seconds", 1)
    desk = desk_of(Role.OPERATOR)
    batch = start(desk.person.user)
    desk.open(f"/admin/consumption/readconsumptionbatch/{batch.pk}/change/")
    cancel = desk.page.get_by_role("link", name="Cancel")
    cancel.focus()
    services.fail(task=claimed(batch), code="TSK-FA-009", text="Broken on purpose. A restart can help.")
    desk.page.get_by_role("link", name="Restart").wait_for()
    assert cancel.count() == 0
    assert desk.page.locator("#headline").get_by_text("Failed").is_visible()
    assert desk.page.locator("#panel-timeline").get_by_text("Broken on purpose").is_visible()
    assert desk.page.locator("#said").inner_text() == "Failed"
    assert desk.page.evaluate("document.activeElement.tagName") == "H1"
    services.restart(task_id=batch.task_id, user_id=desk.person.user.pk)
    cancel.wait_for()  # somebody else restarted it
    assert desk.page.locator("#headline").get_by_text("In Progress").is_visible()
    assert desk.page.locator("#panel-failure").count() == 0
    work()
    desk.page.locator("#headline").get_by_text("Completed").wait_for()
    assert cancel.count() == 0
    assert desk.complaints == []


def test_an_export_is_started_watched_in_the_list_and_downloaded(desk_of: Desks, work: Callable[[], None]) -> None:
    desk = desk_of(Role.OPERATOR)
    ConsumptionFactory.create()
    desk.open("/admin/consumption/readconsumptionbatch/")
    desk.press("Start an export")
    desk.page.get_by_label("From and to, as given below").check()
    desk.page.get_by_label("From", exact=True).fill("2024-01-01T00:00:00")
    desk.page.get_by_label("To, inclusive").fill("2024-12-31T23:59:59")
    desk.page.get_by_label("VERT").check()
    desk.press("Estimate the rows")
    desk.see("rows")
    desk.press("Start the export")
    desk.see("was started.")
    desk.open("/admin/consumption/readconsumptionbatch/")
    desk.see("In Progress")
    work()
    desk.see("Completed")
    batch = ReadConsumptionBatch.objects.get()
    desk.page.get_by_role("link", name=str(batch.pk), exact=True).click()
    with desk.page.expect_download() as waiting:
        desk.press("Download")
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert len(lines) == 2  # the counter and its consumption
    assert waiting.value.suggested_filename.endswith(".ndjson")
    assert desk.complaints == []


def test_a_delivery_that_was_given_up_is_sent_again(desk_of: Desks) -> None:
    desk = desk_of(Role.OPERATOR)
    with Receiver() as receiver:
        values: dict[str, Any] = {"name": "finance", "authentication": {"type": "none"}, "event_types": ["*"]}
        create_endpoint(user_id=desk.person.user.pk, url=receiver.url, **values)
        happened("Failed")
        Delivery.objects.update(status=DeliveryStatus.FAILED)
        desk.open("/admin/")
        desk.press("Deliveries given up")
        desk.page.get_by_role("link", name=str(Delivery.objects.get().pk), exact=True).click()
        desk.press_and_confirm("Send again")
        desk.see("is on its way again")
        send_all()
        desk.page.locator("#headline").get_by_text("DELIVERED").wait_for()
        assert len(receiver.got) == 1
    assert desk.complaints == []


def test_many_are_restarted_with_a_preview_first(desk_of: Desks) -> None:
    desk = desk_of(Role.OPERATOR)
    for _ in range(3):
        failed(desk.person.user)
    desk.open("/admin/jobs/task/")
    for box in desk.page.locator("tbody input.action-select").all():
        box.check()
    desk.page.locator("select[name=action]").select_option("restart")
    desk.page.get_by_role("button", name="Run", exact=True).click()
    desk.see("What would happen: 3 of 3")
    desk.page.get_by_label("Reason").fill("all at once")
    desk.press("Restart")
    desk.see("3 of 3 done.")
    assert desk.complaints == []


def test_a_schedule_is_made(desk_of: Desks) -> None:
    desk = desk_of()
    LimitFactory.create()
    desk.open("/admin/schedules/exportschedule/add/")
    desk.page.locator("[name=name]").fill("Every night")
    desk.page.locator("[name=owner]").select_option(label=desk.person.user.username)
    desk.page.locator("[name=window_rule]").select_option(index=1)
    desk.page.locator("[name=cron]").fill("30 2 * * *")
    desk.page.get_by_role("button", name="Save", exact=True).click()
    desk.see("Every night")
    schedule = ExportSchedule.objects.get()
    assert (schedule.cron, schedule.owner) == ("30 2 * * *", desk.person.user)
    desk.open(schedule.page)
    desk.see("02:30")
