"""Pictures of the console for people: `make screenshots` writes them to docs/screenshots/.

Not collected with the tests; named on pytest's command line it is.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from hypermedia.readers import Role
from tests.browser.conftest import Desk
from tests.browser.scene import Scene, furnish

FOLDER = Path(os.environ.get("SCREENSHOTS") or Path(__file__).parents[2] / "docs" / "screenshots")
WIDTH = int(os.environ.get("WIDTH") or 1440)
MOST_BYTES = 150_000
HIGHEST = 1500  # pixels; a list goes on like that


def pages(scene: Scene) -> dict[str, str]:
    return {
        "start": "/admin/",
        "exports": "/admin/consumption/readconsumptionbatch/",
        "operation-failed": f"/admin/consumption/readconsumptionbatch/{scene.broken.pk}/change/",
        "operation-completed": f"/admin/consumption/readconsumptionbatch/{scene.done.pk}/change/",
        "task": f"/admin/jobs/task/{scene.broken.task_id}/change/",
        "delivery": f"/admin/notifications/delivery/{scene.delivery.pk}/change/",
        "schedule": scene.schedule.page,
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures(desk_of: Callable[..., Desk], scheme: str) -> None:
    desk = desk_of(Role.OPERATOR, color_scheme=scheme, viewport={"width": WIDTH, "height": 900})
    User.objects.filter(pk=desk.person.user.pk).update(username="operator1")  # who is logged in already
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, path in pages(furnish(desk.person.user)).items():
        desk.open(path)
        taken = photograph(desk)
        assert len(taken) < MOST_BYTES, name
        (FOLDER / f"{name}-{scheme}.webp").write_bytes(taken)


def photograph(desk: Desk) -> bytes:
    """The whole page as WebP, which Playwright's own pictures cannot be."""
    desk.page.evaluate("document.fonts.ready")
    browser = desk.page.context.new_cdp_session(desk.page)
    height = min(HIGHEST, desk.page.evaluate("document.documentElement.scrollHeight"))
    desk.page.set_viewport_size({"width": WIDTH, "height": max(900, height)})
    taken = browser.send("Page.captureScreenshot", {"format": "webp", "quality": 85})
    desk.page.set_viewport_size({"width": WIDTH, "height": 900})
    return b64decode(taken["data"])
