"""Requests a minute: refused beyond the limit, shared between processes, and never a reason to fail."""

from __future__ import annotations

import secrets
import socket
from typing import Any

import pytest
from django.conf import settings as django_settings

from config import rates
from config.rates import Rates, Shared
from tests.api.wire import check
from tests.api.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A minute that nobody has counted in, and that does not end meanwhile; add to it to go on to the next. What is
    counted forgets itself: the Redis is the broker of all tests, and not to be emptied."""
    clock = [60.0 * (10_000_000 + secrets.randbelow(10_000_000)) + 15]
    monkeypatch.setattr("config.rates.time.time", lambda: clock[0])
    monkeypatch.setattr(rates, "rates", Rates(Shared(django_settings.RATES_URL)))
    return clock


def test_requests_and_polls(world: World, settings: Any, minute: Any) -> None:
    settings.REQUESTS_PER_MINUTE, settings.POLLS_PER_MINUTE = 3, 5
    client, names = world.clients["client"], world.belongings["client"].identifiers
    statuses = [client.get("/api/generic/tasks").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = check(client.get("/api"), 429)
    assert refused.headers["Retry-After"] == str(45 + 20)  # by then one of the three has faded
    polls = [f"/api/generic/tasks/{names['tasks']}", f"/api/operations/{names['operations']}"]
    assert [client.get(path).status_code for path in polls * 3] == [200] * 5 + [429]
    check(world.clients["other"].get("/api"), 200)
    assert client.get("/healthz").status_code == 200
    minute[0] += 64
    check(client.get("/api"), 429)
    minute[0] += 1
    check(client.get("/api"), 200)
    check(client.get("/api"), 429)


def test_the_callback_has_none(world: World, settings: Any, minute: Any) -> None:
    settings.REQUESTS_PER_MINUTE = settings.POLLS_PER_MINUTE = 1
    client = world.clients["integration"]
    assert {client.get("/ws/rest/service/v2/oic/job/x").json()["status"] for _ in range(5)} == {1803}


def test_zero_is_no_limit(world: World, settings: Any, minute: Any) -> None:
    settings.REQUESTS_PER_MINUTE = 0
    assert {world.clients["client"].get("/api").status_code for _ in range(5)} == {200}


def test_processes_share_their_counts(minute: Any) -> None:
    """Never a request less than the limit, and at most a fiftieth more for each further process."""
    limit = 500
    processes = [Rates(Shared(django_settings.RATES_URL)) for _ in range(4)]
    granted = [not processes[number % 4].take("user", limit) for number in range(2 * limit)]
    assert all(granted[:limit])
    assert sum(granted) <= limit + 4 * limit // 50


def test_a_redis_that_never_answers(minute: Any) -> None:
    """It is asked once, briefly, and not again for a while; each process counts for itself."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        alone = Rates(Shared(f"redis://127.0.0.1:{silent.getsockname()[1]}/0"))
        assert [not alone.take("user", 10) for _ in range(12)] == [True] * 10 + [False] * 2
        connected = 0
        silent.settimeout(0.2)
        try:
            while True:
                silent.accept()[0].close()
                connected += 1
        except TimeoutError:
            assert connected == 1


@pytest.mark.parametrize("url", ["", "redis://127.0.0.1:1/0", "unix:///nowhere/at/all"])
def test_no_redis(minute: Any, url: str) -> None:
    alone = Rates(Shared(url))
    assert [not alone.take("user", 100) for _ in range(101)] == [True] * 100 + [False]


def test_the_turn_of_a_minute_gives_no_second_helping(minute: Any) -> None:
    """A sixtieth of it after a second, and all of it after a minute."""
    counts = Rates(Shared(""))
    minute[0] += 40
    granted = sum(not counts.take("user", 600) for _ in range(700))
    minute[0] += 6
    again = sum(not counts.take("user", 600) for _ in range(700))
    minute[0] += 59
    rest = sum(not counts.take("user", 600) for _ in range(700))
    assert (granted, again, rest) == (600, 10, 590)


def test_who_waits_as_told_goes_on(minute: Any) -> None:
    counts = Rates(Shared(""))
    for _ in range(20):
        while not (wait := counts.take("user", 7)):
            minute[0] += 1
        minute[0] += wait
        assert not counts.take("user", 7)
