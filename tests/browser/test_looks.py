"""Everybody can use the pages: axe-core finds nothing serious, they fit narrow screens, and they obey their policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from jobs.models import Task
from tests.api.world import claimed, completed, failed, make_delivery, start
from tests.browser.conftest import Desk
from tests.factories import LimitFactory

Desks = Callable[..., Desk]
SERIOUS = {"serious", "critical"}


def furnish(desk: Desk) -> list[str]:
    """Rows of every kind, and the pages that show them."""
    user = desk.person.user
    LimitFactory.create()
    broken, done, running = failed(user), completed(user), start(user)
    Task.objects.filter(pk=claimed(running).pk).update(rows_written=50, rows_expected=200)
    delivery = make_delivery(user)
    done.refresh_from_db()
    exports = "/admin/consumption/readconsumptionbatch"
    return [
        "/admin/",
        "/admin/queue/",
        f"{exports}/",
        f"{exports}/start/",
        f"{exports}/{broken.pk}/change/",
        f"{exports}/{done.pk}/change/",
        f"{exports}/act/restart/?ids={broken.pk}",
        "/admin/jobs/task/",
        f"/admin/jobs/task/{broken.task_id}/change/",
        f"/admin/notifications/delivery/{delivery.pk}/change/",
        f"/admin/notifications/notificationendpoint/{delivery.endpoint_id}/change/",
        f"/admin/datafiles/datafileset/{done.data_file_set_id}/change/",
        "/admin/notifications/notificationendpoint/add/",
        "/admin/callbacks/accesstoken/add/",
        "/admin/consumption/limit/",
        "/admin/schedules/exportschedule/",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_no_page_breaks_its_policy(desk_of: Desks, scheme: str) -> None:
    desk = desk_of(color_scheme=scheme)
    found: dict[str, Any] = {}
    for path in furnish(desk):
        desk.open(path)
        violations = Axe().run(desk.page).response["violations"]
        serious = {
            one["id"]: [node["html"][:160] for node in one["nodes"]] for one in violations if one["impact"] in SERIOUS
        }
        if serious:
            found[path] = serious
    assert found == {}
    assert desk.complaints == []


def test_narrow_screens_need_no_sideways_scrolling(desk_of: Desks) -> None:
    desk = desk_of(viewport={"width": 390, "height": 844})
    too_wide = []
    for path in furnish(desk):
        desk.open(path)
        if desk.page.evaluate("document.documentElement.scrollWidth") > 390:
            too_wide.append(path)
    assert too_wide == []


def test_the_keyboard_is_enough(desk_of: Desks) -> None:
    """From the start page to the reason of a failure and to the question before a restart, without a mouse."""
    desk = desk_of()
    broken = failed(desk.person.user)
    desk.open("/admin/")
    for target in ("status__exact=Failed", f"/{broken.pk}/change/", "act/restart"):
        tab_to(desk, target)
        with desk.page.expect_navigation():
            desk.page.keyboard.press("Enter")
    assert "act/restart" in desk.page.url
    assert desk.page.get_by_label("Reason").is_visible()


def tab_to(desk: Desk, target: str) -> None:
    """Presses Tab until what has the focus is the target (a class, or a part of an address)."""
    for _ in range(80):
        desk.page.keyboard.press("Tab")
        if target in desk.page.evaluate("document.activeElement.outerHTML.split('>')[0]"):
            return
    raise AssertionError(f"{target} cannot be reached")
