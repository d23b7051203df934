"""A worker that is killed between the receiver's 2xx and our record of it: real processes, a real broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection

from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob
from jobs.notifications.models import Attempt, Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.services import ring_for_due
from jobs.notifications.states import DeliveryStatus, Outcome
from tests.factories import UserFactory
from tests.notifications.conftest import happened, only_delivery
from tests.notifications.receiver import OK, Answer, Got, Receiver

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PATIENCE_SECONDS = 90.0


@contextmanager
def worker(failpoints: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The service's own worker for deliveries, on this test's database."""
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = {
        **os.environ,
        "DATABASE_URL": address.geturl(),
        "FAILPOINTS": str(failpoints),
        "DELIVERY_LEASE_SECONDS": "1",
        "PYTHONWARNINGS": "ignore",
    }
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config", "worker", "--queues=deliveries"]
    options = ["--pool=threads", "--concurrency=10", "--without-gossip", "--without-mingle", "--hostname=courier@test"]
    running = subprocess.Popen([*command, *options], env=environment, cwd=django_settings.BASE_DIR)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def until(done: Callable[[], bool]) -> None:
    """Rings meanwhile, as the sweep would."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < deadline
        ring_for_due()
        time.sleep(0.3)


def test_killed_after_the_answer_sends_again_under_the_same_id(
    owner: User, receiver: Receiver, endpoint_at: Callable[..., NotificationEndpoint], tmp_path: Path
) -> None:
    endpoint_at(receiver.url, integration=UserFactory.create(roles=[Role.INTEGRATION]).username)
    event = happened()
    (tmp_path / "delivery.answered").write_text("kill")
    with worker(tmp_path) as first:
        until(lambda: first.poll() is not None)
        assert first.returncode == -9
    assert len(receiver.got) == 1
    assert only_delivery().status == DeliveryStatus.SENDING
    assert Attempt.objects.get().outcome == ""
    with worker(tmp_path):
        until(lambda: only_delivery().status == DeliveryStatus.DELIVERED)
    assert [got.headers["webhook-id"] for got in receiver.got] == [event.webhook_id] * 2
    jobs = {json.loads(got.body)["jobId"] for got in receiver.got}
    assert jobs == {IntegrationJob.objects.get().job_id}
    assert list(Attempt.objects.values_list("number", "outcome")) == [(1, Outcome.LOST), (2, Outcome.DELIVERED)]


@pytest.mark.parametrize("point", ["delivery.claimed", "delivery.answered", "delivery.record"])
def test_killed_among_many(
    owner: User, receiver: Receiver, endpoint_at: Callable[..., NotificationEndpoint], tmp_path: Path, point: str
) -> None:
    """In the middle of batches, and of whatever else was on its way: nothing is lost or stuck."""

    calls = count(1)

    def answer(_: Got) -> Answer:
        if next(calls) == 10:
            (tmp_path / point).write_text("kill")
        return OK

    endpoint_at(receiver.url)
    for _ in range(40):
        happened()
    receiver.answer = answer
    with worker(tmp_path) as first:
        until(lambda: first.poll() is not None or not happened())
        assert first.returncode == -9
    with worker(tmp_path):
        until(lambda: not Delivery.objects.exclude(status=DeliveryStatus.DELIVERED).exists())
    sent = {got.headers["webhook-id"] for got in receiver.got}
    assert sent == set(NotificationEvent.objects.values_list("webhook_id", flat=True))
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {Outcome.LOST, Outcome.DELIVERED}
    assert not Delivery.objects.exclude(attempts__outcome=Outcome.DELIVERED).exists()
