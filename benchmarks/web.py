"""What a request costs in the service, against views that do no more than answer it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks import export, ledgers, peers, starlette_peers
from benchmarks.calls import Site
from benchmarks.rows import AtLeast, AtMost, Prepare, Row, Side
from consumption.services import start_export
from jobs.callbacks.models import AccessToken
from jobs.callbacks.services import create_job

REQUESTS = 200
POLL, POST = "/api/generic/readconsumptionbatches/{}", "/api/readconsumptionbatches"
BODY = json.dumps(
    {
        "transactionStartDateTime": {"value": "2019-02-18T00:00:00Z"},
        "transactionEndDateTime": {"value": "2019-02-18T23:59:59Z"},
    }
).encode()
ENDLESS = 10**9  # requests a minute


def token(username: str, scope: str) -> str:
    user = User.objects.get(username=username)
    _, text = AccessToken.objects.issue(user=user, name="b", scope=scope, expires_at=timezone.now() + timedelta(days=1))
    return text


def service() -> Site:
    """The service itself; it counts requests as it does in production, and refuses none."""
    site = Site()
    site.settings = {"REQUESTS_PER_MINUTE": ENDLESS, "POLLS_PER_MINUTE": ENDLESS}
    return site


def running_export() -> int:
    """An export that nobody works on: its id."""
    ledgers.use(0)
    return int(start_export(user_id=export.owner(), transaction_start=export.START, transaction_end=export.END).pk)


@contextmanager
def poll_against_bare(size: int | None) -> Iterator[tuple[Side, Side]]:
    """CPU of this process for one request, in microseconds."""
    batch, text = running_export(), token("testuser1", AccessToken.Scope.API)
    ours, theirs, times = service(), Site("benchmarks.peers"), size or REQUESTS
    request = ("GET", f"/api/generic/readconsumptionbatches/{batch}", text)
    peers.STATEMENTS["poll"] = ours.statements(*request)

    def cpu(site: Site, *request: str) -> float:
        return site.many(times, *request, clock=time.process_time) / times * 1e6

    yield lambda: cpu(ours, *request), lambda: cpu(theirs, "GET", f"/bare/poll/{batch}", text)


@contextmanager
def poll_against_drf(size: int | None) -> Iterator[tuple[Side, Side]]:
    batch, text = running_export(), token("testuser1", AccessToken.Scope.API)
    ours, theirs, times = service(), Site("benchmarks.peers", peers.STARTPROJECT), size or REQUESTS
    yield (
        lambda: times / ours.many(times, "GET", f"/api/generic/readconsumptionbatches/{batch}", text),
        lambda: times / theirs.many(times, "GET", f"/drf/poll/{batch}", text),
    )


def reporting() -> tuple[Site, tuple[str, str, str, bytes]]:
    """The service, a report to it of a job that there is, and what that asks the database noted."""
    ledgers.use(0)
    job = create_job(integration_id=User.objects.get(username="integration1").pk).job_id
    body = json.dumps({"jobId": job, "status": "Started", "message": "reading"}).encode()
    ours = service()
    request = ("PUT", "/ws/rest/service/v2/oic/job", token("integration1", AccessToken.Scope.CALLBACK), body)
    peers.STATEMENTS = {"report": ours.statements(*request)}
    return ours, request


@contextmanager
def _report_against(path: str, size: int | None) -> Iterator[tuple[Side, Side]]:
    ours, request = reporting()
    theirs, times = Site("benchmarks.peers"), size or REQUESTS
    yield (
        lambda: times / ours.many(times, *request),
        lambda: times / theirs.many(times, "PUT", path, *request[2:]),
    )


@contextmanager
def report_against_bare(size: int | None) -> Iterator[tuple[Side, Side]]:
    with _report_against("/bare/report", size) as sides:
        yield sides


@contextmanager
def report_against_orm(size: int | None) -> Iterator[tuple[Side, Side]]:
    with _report_against("/orm/report", size) as sides:
        yield sides


@contextmanager
def poll_against_starlette(size: int | None) -> Iterator[tuple[Side, Side]]:
    batch, text = running_export(), token("testuser1", AccessToken.Scope.API)
    ours, times = service(), size or REQUESTS
    request = ("GET", f"/api/generic/readconsumptionbatches/{batch}", text)
    peers.STATEMENTS = {"poll": ours.statements(*request)}
    with starlette_peers.service() as theirs:
        yield (
            lambda: times / ours.many(times, *request),
            lambda: times / theirs.many(times, "GET", "/poll"),
        )


@contextmanager
def report_against_starlette(size: int | None) -> Iterator[tuple[Side, Side]]:
    ours, request = reporting()
    times = size or REQUESTS
    with starlette_peers.service() as theirs:
        yield (
            lambda: times / ours.many(times, *request),
            lambda: times / theirs.many(times, "PUT", "/report", request[-1]),
        )


def counted(statements: int, *request: Any) -> Prepare:
    """How many statements a request of `testuser1` takes beside the one that knows the caller, against what it may."""

    @contextmanager
    def prepare(size: int | None) -> Iterator[tuple[Side, Side]]:
        batch, text = running_export(), token("testuser1", AccessToken.Scope.API)
        method, path, *body = request
        ours = service()
        yield (
            lambda: float(len(ours.statements(method, path.format(batch), text, *body)) - 1),
            lambda: float(statements),
        )

    return prepare


@contextmanager
def counted_report(size: int | None) -> Iterator[tuple[Side, Side]]:
    ours, request = reporting()
    yield lambda: float(len(ours.statements(*request)) - 1), lambda: 1.0


ROWS = [
    Row("poll-cpu", "one poll", "bare view, same SQL", AtMost(1.4), "us", poll_against_bare, starred=True),
    Row("poll-drf", "polls", "DRF ModelSerializer view", AtLeast(1.5), "/s", poll_against_drf, starred=True),
    Row("callback-bare", "callbacks", "bare view, same SQL", AtLeast(0.7), "/s", report_against_bare, starred=True),
    Row("callback-orm", "callbacks", "steps by ORM", AtLeast(2), "/s", report_against_orm, starred=True),
    Row("poll-starlette", "polls", "Starlette + asyncpg", AtLeast(0.4), "/s", poll_against_starlette),
    Row("callback-starlette", "callbacks", "Starlette + asyncpg", AtLeast(0.45), "/s", report_against_starlette),
    Row("poll-sql", "statements of a poll", "allowed", AtMost(1), "", counted(1, "GET", POLL), warm_up=False),
    Row("callback-sql", "statements of a callback", "allowed", AtMost(1), "", counted_report, warm_up=False),
    Row("post-sql", "statements of a POST", "allowed", AtMost(1), "", counted(4, "POST", POST, BODY), warm_up=False),
]
