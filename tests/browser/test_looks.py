"""Everybody can use the pages: axe-core finds nothing serious, they fit narrow screens, and they obey their policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib import admin
from django.urls import reverse

from hypermedia.readers import Role
from jobs.states import TaskStatus
from tests.api.world import failed
from tests.browser.conftest import Desk
from tests.browser.scene import furnish

Desks = Callable[..., Desk]
# Telling in full what is right takes longer than to find what is wrong.
BRIEF: dict[str, Any] = {"resultTypes": ["violations"]}
# Only colours differ in the dark.
RULES: dict[str, dict[str, Any]] = {
    "light": BRIEF,
    "dark": {**BRIEF, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}
SERIOUS = {"serious", "critical"}
NARROW = 400


def all_pages(desk: Desk) -> list[str]:
    """Every page that the console has, with rows of every kind on it."""
    scene = furnish(desk.person.user)
    exports, imports = "/admin/consumption/readconsumptionbatch", "/admin/consumption/writeconsumptionbatch"
    return [
        *("/admin/", "/admin/queue/", f"{exports}/start/", scene.schedule.page, f"{scene.schedule.page}?edit=1"),
        *(f"{exports}/{one.pk}/change/" for one in (scene.broken, scene.done, scene.running)),
        *(f"{exports}/act/restart/?ids={scene.broken.pk}", f"{imports}/act/restart/?ids={scene.unreadable.pk}"),
        f"/admin/notifications/delivery/{scene.delivery.pk}/change/",
        f"/admin/jobs/task/{scene.broken.task_id}/change/",
        f"/admin/notifications/notificationendpoint/{scene.delivery.endpoint_id}/edit/",
        *(f"/admin/{name}/add/" for name in ADDED),
        *(path for model in admin.site._registry for path in _of_model(model)),
    ]


ADDED = (
    *("notifications/notificationendpoint", "callbacks/accesstoken", "callbacks/integrationjob"),
    *("schedules/exportschedule", "consumption/limit", "consumption/limitallowance", "consumption/transactionsource"),
    *("auth/user", "auth/group"),
)


def _of_model(model: Any) -> list[str]:
    """Its list, and the page of its newest row."""
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.order_by("-pk").first()
    pages = [] if row is None else [reverse(f"admin:{name}_change", args=[row.pk])]
    return [reverse(f"admin:{name}_changelist"), *pages]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_no_page_breaks_its_policy(desk_of: Desks, scheme: str) -> None:
    desk = desk_of(color_scheme=scheme)
    found: dict[str, Any] = {}
    for path in all_pages(desk):
        desk.open(path)
        violations = Axe().run(desk.page, options=RULES[scheme]).response["violations"]
        serious = {
            one["id"]: [node["html"][:160] for node in one["nodes"]] for one in violations if one["impact"] in SERIOUS
        }
        if serious:
            found[path] = serious
    assert found == {}
    assert desk.complaints == []


def test_narrow_screens_need_no_sideways_scrolling(desk_of: Desks) -> None:
    desk = desk_of(viewport={"width": NARROW, "height": 844})
    too_wide = []
    for path in all_pages(desk):
        desk.open(path)
        if desk.page.evaluate("document.documentElement.scrollWidth") > NARROW:
            too_wide.append(path)
    assert too_wide == []


def test_the_keyboard_is_enough(desk_of: Desks) -> None:
    """Opens the list, narrows it down, opens a failed operation and restarts it, and never touches the mouse."""
    desk = desk_of(Role.OPERATOR)
    broken = failed(desk.person.user)
    desk.open("/admin/")
    tab_to(desk, "readconsumptionbatch/")  # in the sidebar
    press(desk, "Enter", navigates=True)
    tab_to(desk, 'aria-controls="changelist-filter"')
    press(desk, "Enter")
    desk.page.locator("#changelist-filter select[name=status__exact]").or_(
        desk.page.locator("#changelist-filter a[href*='status__exact=Failed']")
    ).first.wait_for(state="visible")
    tab_to(desk, "status__exact=Failed")
    press(desk, "Enter", navigates=True)
    tab_to(desk, f"/{broken.pk}/change/")
    press(desk, "Enter", navigates=True)
    tab_to(desk, "act/restart")
    press(desk, "Enter", navigates=True)
    tab_to(desk, 'name="reason"')
    desk.page.keyboard.type("there is room again")
    tab_to(desk, 'type="submit"')
    press(desk, "Enter", navigates=True)
    desk.see("was restarted and waits for a worker")
    broken.task.refresh_from_db()
    assert broken.task.status == TaskStatus.PENDING
    assert desk.complaints == []


def press(desk: Desk, key: str, *, navigates: bool = False) -> None:
    if not navigates:
        desk.page.keyboard.press(key)
        return
    with desk.page.expect_navigation():
        desk.page.keyboard.press(key)


def tab_to(desk: Desk, target: str) -> None:
    """Presses Tab until what has the focus is the target: a part of its own tag."""
    for _ in range(120):
        desk.page.keyboard.press("Tab")
        if target in desk.page.evaluate("document.activeElement.outerHTML.split('>')[0]"):
            return
    raise AssertionError(f"{target} cannot be reached")
