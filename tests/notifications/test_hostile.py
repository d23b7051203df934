"""A hostile receiver: whatever it does, one attempt row says it, nothing is held longer than the deadline, and nobody
that it points at is called."""

from __future__ import annotations

import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.notifications.models import NotificationEndpoint
from jobs.notifications.states import DeliveryStatus, Outcome
from jobs.notifications.wire import BODY_LIMIT
from tests.notifications import hostile
from tests.notifications.certificates import server_context
from tests.notifications.conftest import happened, only_attempt, only_delivery, send_all
from tests.notifications.hostile import listening, simple
from tests.notifications.receiver import Receiver

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Case:
    """`at` opens the port; `url` is where the endpoint is, with that port in it."""

    name: str
    at: Callable[[], AbstractContextManager[int]]
    outcome: Outcome
    status: int | None = None
    delivery: DeliveryStatus = DeliveryStatus.PENDING
    url: str = "http://127.0.0.1:{port}/"
    kept: int = 0
    is_cut: bool = False
    retry_after: timedelta = timedelta(seconds=5)


def answers(behave: hostile.Behaviour) -> Callable[[], AbstractContextManager[int]]:
    return lambda: listening(behave)


METADATA = "http://169.254.169.254/latest/meta-data/"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"
BOMB = hostile.gzip_bomb()

CASES = [
    Case("down", hostile.nobody_accepts, Outcome.TIMEOUT),
    Case("refused", hostile.nobody_listens, Outcome.UNREACHABLE),
    Case("500", answers(simple("500 Oops", body=b"<h1>no</h1>")), Outcome.STATUS, 500, kept=11),
    Case(
        "429",
        answers(simple("429 Slow", "Retry-After: 3600")),
        Outcome.STATUS,
        429,
        retry_after=timedelta(hours=1),
    ),
    Case("410", answers(simple("410 Gone")), Outcome.GONE, 410, DeliveryStatus.FAILED),
    Case("redirect to metadata", answers(simple("302 Found", f"Location: {METADATA}")), Outcome.REDIRECT, 302),
    Case("slow header", answers(hostile.dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")), Outcome.TIMEOUT),
    Case(
        "a byte at a time",
        answers(hostile.dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")),
        Outcome.TIMEOUT,
        200,
        kept=-1,
    ),
    Case(
        "endless body",
        answers(hostile.endless),
        Outcome.DELIVERED,
        200,
        DeliveryStatus.DELIVERED,
        kept=BODY_LIMIT,
        is_cut=True,
    ),
    Case(
        "gzip bomb",
        answers(simple("200 OK", "Content-Encoding: gzip", body=BOMB)),
        Outcome.DELIVERED,
        200,
        DeliveryStatus.DELIVERED,
        kept=BODY_LIMIT,
        is_cut=True,
    ),
    Case("bad TLS", answers(hostile.plain_where_tls_is_expected), Outcome.TLS, url="https://127.0.0.1:{port}/"),
    Case("name that does not resolve", hostile.nobody_listens, Outcome.UNRESOLVED, url="http://nowhere.invalid:{port}/"),
    Case("name that resolves to loopback", hostile.nobody_listens, Outcome.ADDRESS, url="http://sneaky.example:{canary}/"),
    Case("closes early", answers(hostile.silent_close), Outcome.CLOSED),
    Case(
        "wrong content type",
        answers(simple("200 OK", "Content-Type: image/png", body=b"\x89PNG\x00\xff")),
        Outcome.DELIVERED,
        200,
        DeliveryStatus.DELIVERED,
        kept=6,
    ),
    Case("late 2xx", answers(hostile.late), Outcome.TIMEOUT),
    # and some more of the same kinds
    Case("closes in the head", answers(hostile.answering(b"HTTP/1.1 200 OK\r\nContent-")), Outcome.CLOSED),
    Case("closes in the body", answers(hostile.answering(SHORT)), Outcome.CLOSED, 200, kept=9),
    Case(
        "endless chunks",
        answers(hostile.endless_chunks),
        Outcome.DELIVERED,
        200,
        DeliveryStatus.DELIVERED,
        kept=BODY_LIMIT,
        is_cut=True,
    ),
    Case("not HTTP", answers(hostile.answering(b"220 smtp.example ready\r\n")), Outcome.NOT_HTTP),
    Case("loopback as a number", hostile.nobody_listens, Outcome.ADDRESS, url="http://2130706433:{canary}/"),
    Case("redirect to the canary", answers(simple("307 Over There", "Location: {canary}")), Outcome.REDIRECT, 307),
]  # fmt: skip


@pytest.fixture
def canary() -> Iterator[Receiver]:
    """Listens on loopback, where nobody may come."""
    with Receiver() as running:
        yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_attempt_tells_it(
    case: Case,
    canary: Receiver,
    endpoint_at: Callable[..., NotificationEndpoint],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if case.outcome == Outcome.TIMEOUT:
        request.getfixturevalue("quick_deadlines")
    names_resolve_as_told(monkeypatch)
    endpoint = endpoint_at(canary.url)
    happened()
    with case.at() as port:
        url = case.url.format(port=port, canary=canary.server_address[1])
        NotificationEndpoint.objects.filter(pk=endpoint.pk).update(url=url)
        if case.outcome == Outcome.ADDRESS:
            settings.DELIVERY_ALLOWED_NETWORKS = []
        began = time.monotonic()
        assert send_all() == 1
        assert case.outcome != Outcome.TIMEOUT or time.monotonic() - began < hostile.LONGER_THAN_ANY_DEADLINE
    attempt, delivery = only_attempt(), only_delivery()
    assert (attempt.outcome, attempt.response_status) == (case.outcome, case.status), attempt.reason
    assert (delivery.status, attempt.response_is_cut) == (case.delivery, case.is_cut)
    assert (attempt.reason == "") == (case.outcome == Outcome.DELIVERED)
    assert attempt.ended_at is not None
    if case.kept >= 0:
        assert len(attempt.response_body) == case.kept
    if case.delivery == DeliveryStatus.PENDING:
        assert 1 <= (delivery.due_at - delivery.last_updated_date) / case.retry_after < 1.2
    assert canary.got == []


def names_resolve_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = socket.getaddrinfo

    def told(host: str, *arguments: Any, **options: Any) -> Any:
        if host == "nowhere.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ask("127.0.0.1" if host == "sneaky.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", told)


def test_there_are_sixteen_kinds() -> None:
    assert len(CASES) >= 16


@pytest.mark.parametrize("behave", [hostile.endless, simple("200 OK", "Content-Encoding: gzip", body=BOMB)])
def test_memory_stays_bounded(behave: hostile.Behaviour, endpoint_at: Callable[..., NotificationEndpoint]) -> None:
    with listening(behave) as port:
        endpoint_at(f"http://127.0.0.1:{port}/")
        happened()
        tracemalloc.start()
        try:
            assert send_all() == 1
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 2_000_000


def test_unknown_certificate_is_refused(tmp_path: Path, endpoint_at: Callable[..., NotificationEndpoint]) -> None:
    context, _ = server_context(tmp_path, "localhost")
    with listening(hostile.over_tls(simple("200 OK"), context)) as port:
        endpoint_at(f"https://localhost:{port}/")
        happened()
        send_all()
    assert only_attempt().outcome == Outcome.TLS
    assert "certificate" in only_attempt().reason


@pytest.mark.parametrize(("name", "outcome"), [("receiver.example", Outcome.DELIVERED), ("other.example", Outcome.TLS)])
def test_checked_address_gets_the_right_name(
    name: str,
    outcome: Outcome,
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    endpoint_at: Callable[..., NotificationEndpoint],
) -> None:
    """The connection goes to the checked address; SNI, certificate and Host are the name's. Resolved once."""
    asked: list[str] = []
    heads: list[bytes] = []
    names: list[str | None] = []
    ask = socket.getaddrinfo

    def told(host: str, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return ask("127.0.0.1" if host.endswith(".example") else host, *arguments, **options)

    def behave(connection: socket.socket) -> None:
        heads.append(hostile.request_of(connection))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    context, trusted = server_context(tmp_path, "receiver.example")
    context.sni_callback = lambda tls, sni, _: names.append(sni)
    settings.DELIVERY_CA_FILE = str(trusted)
    monkeypatch.setattr(socket, "getaddrinfo", told)
    with listening(hostile.over_tls(behave, context)) as port:
        endpoint_at(f"https://{name}:{port}/in?a=1")
        asked.clear()
        happened()
        send_all()
        assert only_attempt().outcome == outcome, only_attempt().reason
        assert names == [name]
        assert asked.count(name) == 1
        if outcome == Outcome.DELIVERED:
            assert heads[0].startswith(f"POST /in?a=1 HTTP/1.1\r\nHost: {name}:{port}\r\n".encode())


def test_environment_gives_no_proxy(
    monkeypatch: pytest.MonkeyPatch, canary: Receiver, receiver: Receiver, endpoint: NotificationEndpoint
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, canary.url)
    happened()
    send_all()
    assert (len(receiver.got), canary.got) == (1, [])
