"""A real Chromium in front of the console, which runs with real commits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from hypermedia.readers import Role
from tests.console.conftest import Person, give
from tests.factories import UserFactory

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
PATIENCE_MS = 120_000  # a loaded machine is slow, and slowness is not what these tests look for

SLOW = "[Intervention] Slow network is detected"  # about fonts; so is a loaded machine


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of this folder. Playwright keeps an event loop in this thread, which Django takes for a reason
    to refuse the database; what tests do in between is ordinary work."""
    if not CHROMIUM:
        if os.environ.get("CI"):
            pytest.fail("CI needs Debian's package chromium; .ci/run installs it")
        pytest.skip("Chromium is not installed (on Debian: apt install chromium)")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS), timeout=PATIENCE_MS)
        yield running
        running.close()


class Desk:
    """A person at a screen: logs in and looks. `complaints` is what the browser objected to."""

    def __init__(self, page: Page, root: str, person: Person) -> None:
        self.page = page
        self.root = root
        self.person = person
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and SLOW not in message.text:
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.root}{path}")
        self.page.locator("html:not([x-cloak])").wait_for()  # the theme has begun to work

    def log_in(self) -> None:
        self.open("/admin/")
        self.page.locator("[name=username]").fill(self.person.user.username)
        self.page.locator("[name=password]").fill(self.person.user.username)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.root}/admin/")

    def see(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name)).first.click()

    def press_and_confirm(self, name: str) -> None:
        """Presses it, and once more on the page that asks whether to."""
        self.press(name)
        self.page.wait_for_url("**/act/**")
        self.press(name)


@pytest.fixture
def desk_of(browser: Browser, transactional_db: None, live_server: Any) -> Iterator[Callable[..., Desk]]:
    """`desk_of(Role.OPERATOR)`: logged in; options go to the browser's context."""
    contexts = []

    def make(*roles: Role, **options: Any) -> Desk:
        for role in roles:
            give(role)
        user = UserFactory.create(roles=roles, is_staff=True, is_superuser=not roles)
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        desk = Desk(context.new_page(), live_server.url, Person(user))
        desk.log_in()
        return desk

    yield make
    for context in contexts:
        context.close()
