"""A whole night with real processes: web server, worker and keeper run as in production, and no task runs in here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Desk
from tests.console.conftest import Person
from tests.faults.stack import Stack

OPERATOR = cast(Person, SimpleNamespace(user=SimpleNamespace(username="operator1")))


@pytest.fixture(scope="module")
def service(browser: Browser) -> Iterator[Stack]:
    """After the browser: without one nothing has to be started."""
    with Stack(consumptions=2_000) as stack:
        stack.start("web", "worker", "keeper")
        stack.warm_up()
        yield stack


@pytest.fixture
def desk(browser: Browser, service: Stack) -> Iterator[Desk]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    desk = Desk(context.new_page(), service.url, OPERATOR)
    desk.log_in()
    yield desk
    context.close()


def test_a_failure_is_read_mended_and_restarted_and_an_export_made_by_hand(desk: Desk, service: Stack) -> None:
    service.arm("file.write", "fail ENOSPC")
    broken = service.start_export()
    service.wait_for_end(broken, "Failed")
    desk.open("/admin/")
    desk.press("Failed exports")
    desk.page.get_by_role("link", name=str(broken), exact=True).click()
    desk.see("The disk of the file storage is full. Free some space; a restart can help then.")

    desk.press("Restart")
    desk.page.get_by_label("Reason").fill("there is room again")
    desk.press("Restart")
    desk.page.locator("#headline").get_by_text("Completed").wait_for()  # the worker did that; nobody reloaded
    assert desk.page.locator("#panel-timeline").get_by_text("there is room again").is_visible()
    assert service.task(broken)["status"] == "COMPLETED"

    desk.open("/admin/consumption/readconsumptionbatch/start/")
    desk.page.get_by_label("From and to, as given below").check()
    desk.page.get_by_label("From", exact=True).fill("1900-01-01T00:00:00")
    desk.page.get_by_label("To, inclusive").fill("2999-12-31T00:00:00")
    desk.press("Estimate the rows")
    desk.press("Start the export")
    desk.see("was started.")
    desk.page.locator("#headline").get_by_text("Completed").wait_for()
    with desk.page.expect_download() as waiting:
        desk.press("Download")
    made = int(desk.page.url.rstrip("/").split("/")[-2])
    lines = Path(waiting.value.path()).read_bytes().count(b"\n")
    assert lines == service.task(made)["written"] > 2_000
    assert desk.complaints == []


def test_a_schedule_is_made_and_run(desk: Desk, service: Stack) -> None:
    desk.open("/admin/schedules/exportschedule/add/")
    desk.page.locator("[name=name]").fill("Every night")
    desk.page.locator("[name=owner]").select_option(label="operator1")
    desk.page.locator("[name=cron]").fill("30 2 * *")
    desk.page.locator("#preview .tp-errors").wait_for()
    desk.page.locator("[name=cron]").fill("30 2 * * *")
    desk.page.locator("#preview li").nth(4).wait_for()
    desk.page.get_by_role("button", name="Save", exact=True).click()
    desk.see("the next run is on")
    desk.press_and_confirm("Run now")
    desk.see("The run was started.")
    run: list[Any] = service.sql("SELECT export_id FROM schedules_scheduledrun")
    service.wait_for_end(run[0][0])
    desk.page.reload()
    desk.page.locator("#panel-runs").get_by_text("Completed").wait_for()
    assert desk.complaints == []
