"""A publish never holds anybody longer than a second, whatever the broker does."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from kombu import Connection

from jobs import doorbell
from jobs.tasks import run
from tests.jobs.conftest import until

NOBODYS_TASK = 10**12
BOUND = 4.0  # a second, and what a busy machine adds; Celery's own patience is five seconds and more


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a broker that accepts and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def nothing_hangs_afterwards() -> Iterator[None]:
    yield
    until(lambda: doorbell._free._value == doorbell._AT_ONCE, seconds=30)


def publish_to(url: str) -> tuple[bool, float]:
    """(whether it was published, how many seconds that took)."""
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    if url.startswith("amqp"):
        options = {name: options[name] for name in ("max_retries", "interval_start")}
    began = time.monotonic()
    with Connection(url, connect_timeout=1, transport_options=options) as connection:
        there: Any = {"connection": connection}
        published = doorbell.publish(lambda: run.apply_async(kwargs={"task_id": 7}, retry=False, **there), "a test")
    return published, time.monotonic() - began


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_accepts_and_never_answers(silent: int, scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    published, seconds = publish_to(f"{scheme}://127.0.0.1:{silent}//")
    assert not published
    assert "a test waits for the sweep" in caplog.text
    assert 0.9 * settings.PUBLISH_SECONDS <= seconds < BOUND


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_is_not_there(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        published, _ = publish_to(f"{scheme}://127.0.0.1:{nobody.getsockname()[1]}//")
    assert not published
    assert "the broker refused (OperationalError)" in caplog.text, "it was not waited for"


def test_when_all_hang_the_next_does_not_wait(
    silent: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"redis://127.0.0.1:{silent}//"
    with ThreadPoolExecutor(doorbell._AT_ONCE) as callers:
        assert {published for published, _ in callers.map(publish_to, [url] * doorbell._AT_ONCE)} == {False}
    monkeypatch.setattr(settings, "PUBLISH_SECONDS", 60.0)
    published, seconds = publish_to(url)
    assert not published
    assert seconds < BOUND
    assert "a test waits for the sweep" in caplog.text


def test_a_failure_is_not_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    assert doorbell.publish(lambda: 1 // 0, "a test") is False
    assert "ZeroDivisionError" in caplog.text


def test_it_rings() -> None:
    with run.app.connection_for_read() as connection, connection.SimpleQueue("operations") as queue:
        assert doorbell.ring(NOBODYS_TASK)
        while (message := queue.get(timeout=30)).payload[1] != {"task_id": NOBODYS_TASK}:
            message.ack()  # other tests ring too
        message.ack()
        assert message.headers["task"] == "jobs.tasks.run"
        assert list(message.headers["timelimit"]) == [None, None], "the worker has limits of its own"
