"""A running server behind a line that can break, and the client's commands as somebody starts them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from rich.console import Console

from config.client.display import Display
from config.client.main import Run
from config.client.outcomes import Exit
from hypermedia.readers import Role
from jobs import registry
from tests.client.relay import Relay
from tests.factories import UserFactory


@pytest.fixture
def relay(transactional_db: None, live_server: Any, settings: Any) -> Iterator[Relay]:
    """The line to the server; the service takes its address for its own."""
    line = Relay()
    parts = urlsplit(live_server.url)
    line.lead_to(str(parts.hostname), int(parts.port or 0))
    settings.PUBLIC_URL = line.url
    registry.store_task_types()
    yield line
    line.close()


@pytest.fixture
def somebody(relay: Relay, settings: Any) -> User:
    """A client, whose credentials are in the environment."""
    user = UserFactory.create(username="somebody", roles=[Role.CLIENT])
    settings.CLIENT_USER = settings.CLIENT_PASSWORD = user.username
    return user


@dataclass(frozen=True)
class Ended:
    code: Exit
    said: str
    paths: list[Path]


@pytest.fixture
def run(relay: Relay, somebody: User) -> Callable[..., Ended]:
    """`run(lambda command: command.watch(...))`: how it ended, and what it said."""

    def start(work: Callable[[Run], Sequence[Path]], server: str | None = None) -> Ended:
        output, shown = io.StringIO(), []
        display = Display(Console(file=output, width=200, soft_wrap=True))
        command = Run(server or relay.url, None, display)
        code = command.run(lambda: work(command), lambda text: shown.append(Path(text)))
        return Ended(code, output.getvalue(), shown)

    return start
