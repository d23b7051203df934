"""The tools that are shipped: the receiver, and the integration that is none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

from hypermedia.readers import Role
from jobs.callbacks.models import IntegrationJob, StatusReport
from jobs.notifications import vault
from jobs.notifications.emulator import SCENARIOS, Emulator, Reporter
from jobs.notifications.management.commands.emulate_integration import register
from jobs.notifications.management.commands.receiver import Command as ReceiverCommand
from jobs.notifications.models import NotificationEndpoint, SigningSecret
from jobs.notifications.receiving import EventServer, Manners
from jobs.notifications.states import Outcome
from tests.factories import UserFactory
from tests.jobs.conftest import until
from tests.notifications.conftest import happened, only_attempt, only_delivery, send_all

EXPECTED = {
    "happy": ("Completed", ["applied", "applied"], False),
    "fault": ("Failed", ["applied", "applied"], False),
    "late": ("Completed", ["applied", "applied"], False),
    "duplicate": ("Completed", ["applied", "duplicate", "applied", "duplicate"], False),
    "out-of-order": ("Completed", ["applied", "stale"], True),
    "resubmit": ("Completed", ["applied"] * 4, False),
    "silent": (None, [], False),
}


@contextmanager
def running(server: EventServer) -> Iterator[str]:
    with server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/events"
        server.shutdown()


@pytest.fixture
def people(transactional_db: None) -> User:
    UserFactory.create(username="admin", is_superuser=True)
    return UserFactory.create(username="integration1", roles=[Role.INTEGRATION])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: str, people: User, live_server: Any) -> None:
    said: list[str] = []
    reporter = Reporter(live_server.url, "integration1", "integration1")
    emulator = Emulator(SCENARIOS[scenario], reporter, pause=0.01, late=0.05, say=said.append)
    server = emulator.serve("127.0.0.1", 0, None)
    status, verdicts, flagged = EXPECTED[scenario]
    with running(server) as url:
        server.secret = register("emulator", url, "integration1")
        happened()
        assert send_all() == 1
        assert only_attempt().outcome == Outcome.DELIVERED
        until(lambda: len(said) == 1 + len(verdicts))
    job = IntegrationJob.objects.get()
    assert (job.status, job.flagged) == (status, flagged)
    assert list(StatusReport.objects.order_by("pk").values_list("verdict", flat=True)) == verdicts
    assert job.job_id in said[0]


def test_registering_again_takes_over(people: User) -> None:
    first = register("emulator", "http://127.0.0.1:9101/events", "integration1")
    NotificationEndpoint.objects.update(active=False)
    second = register("emulator", "http://127.0.0.1:9102/events", "integration1")
    endpoint = NotificationEndpoint.objects.get()
    assert (endpoint.active, endpoint.url) == (True, "http://127.0.0.1:9102/events")
    assert first != second
    assert SigningSecret.objects.count() == 1
    with pytest.raises(CommandError):
        register("emulator", "http://127.0.0.1:9102/events", "nobody")
    with pytest.raises(CommandError, match="not a public address"):
        register("emulator", "http://10.0.0.1/events", "integration1")


def test_emulator_ignores_forgeries_and_repetitions(people: User) -> None:
    said: list[str] = []
    emulator = Emulator(SCENARIOS["happy"], Reporter("http://127.0.0.1:9", "u", "p"), pause=9, late=9, say=said.append)
    server = emulator.serve("127.0.0.1", 0, None)
    with running(server) as url:
        server.secret = register("emulator", url, "integration1")
        forged = requests.post(url, json={"jobId": "X"}, headers={"webhook-id": "msg_1"}, timeout=60)
        happened()
        send_all()
        only_delivery()
        from jobs.notifications.services import redeliver

        redeliver(delivery_id=only_delivery().pk)
        send_all()
    assert forged.status_code == 401
    assert "SIGNATURE WRONG" in said[0]
    assert "sent before" in said[2]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("manners", "outcomes"),
    [
        (Manners(), [Outcome.DELIVERED]),
        (Manners(failures=2), [Outcome.STATUS, Outcome.STATUS, Outcome.DELIVERED]),
        (Manners(status=410), [Outcome.GONE]),
        (Manners(pause=3), [Outcome.TIMEOUT]),
        (Manners(never=True), [Outcome.TIMEOUT]),
    ],
    ids=str,
)
def test_receiver_as_told(
    manners: Manners,
    outcomes: list[str],
    endpoint_at: Callable[..., NotificationEndpoint],
    request: pytest.FixtureRequest,
) -> None:
    from tests.notifications.conftest import let_time_pass

    if Outcome.TIMEOUT in outcomes:
        request.getfixturevalue("quick_deadlines")
    printed = StringIO()
    command = ReceiverCommand(stdout=printed)
    server = EventServer("127.0.0.1", 0, None, command.show)
    with running(server) as url:
        server.manners = manners
        server.secret = endpoint_at(url).secret  # type: ignore[attr-defined]
        happened()
        for _ in outcomes:
            let_time_pass()
            send_all()
        until(lambda: '"type": "ReadConsumptionBatch"' in printed.getvalue())
    assert [attempt.outcome for attempt in only_delivery().attempts.all()] == outcomes
    assert "signature right" in printed.getvalue()


@pytest.mark.django_db
def test_reseal(settings: Any, endpoint_at: Callable[..., NotificationEndpoint]) -> None:
    authentication = {"type": "basic", "username": "u"}
    endpoint_at("http://127.0.0.1:9/", authentication=authentication, credential="secret")
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["a new key", *old]
    call_command("reseal_secrets", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["a new key"]
    assert vault.unseal(NotificationEndpoint.objects.get().sealed_credential) == "secret"
    assert vault.unseal(SigningSecret.objects.get().sealed).startswith("whsec_")
    settings.ENCRYPTION_KEYS = old
    with pytest.raises(CommandError):
        call_command("reseal_secrets", stdout=StringIO())
    happened()
    send_all()
    assert only_attempt().outcome == Outcome.SECRET
