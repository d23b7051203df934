"""Small exports from end to end: how long one takes, and how many a worker drains from a full queue."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import Max, Min
from django_celery_results.models import TaskResult

from benchmarks import export, ledgers, servers
from benchmarks.noop import noop
from benchmarks.rows import AtLeast, AtMost, Row, Side
from benchmarks.web import token
from config.embedded.process import wait_until
from consumption import exports
from consumption.exporting import lines
from consumption.exporting.copying import BINARY, blocks
from consumption.models import ReadConsumptionBatch
from consumption.services import start_export
from jobs.callbacks.models import AccessToken
from jobs.states import OperationStatus
from jobs.tasks import run

SMALL = 100
PORT = 9159
TIMES = 15  # a round's median is of so many
QUEUED = 200
CONCURRENCY = 2
PATIENCE = 120.0
MILLISECOND = 0.001
KNOWS_THE_NOOP = ("--include=benchmarks.noop",)
BODY = json.dumps(
    {
        "transactionStartDateTime": {"value": export.START.isoformat()},
        "transactionEndDateTime": {"value": export.END.isoformat()},
    }
)


@contextmanager
def to_completed(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Milliseconds; the parts of the other side are medians too, and each is measured while nothing else runs."""
    ledgers.use(size or SMALL)
    client = Client(PORT)
    with (
        servers.program("web", port=PORT),
        servers.program("worker", port=PORT, options=KNOWS_THE_NOOP),
        export.connected() as connection,
    ):
        window = export.window(connection)

        def copy() -> float:
            began = time.perf_counter()
            with exports.reading(connection, settings.TIME_ZONE):
                for make in (lines.counter_lines, lines.consumption_lines):
                    for _ in blocks(connection, lines.as_binary(make(window)), lambda: export.MILLION, BINARY):
                        pass
            return (time.perf_counter() - began) * 1e3

        yield (
            lambda: _median(lambda: client.export()[1]),
            lambda: _median(lambda: client.export()[0]) + _median(noop_alone) + _median(copy),
        )


def _median(side: Side) -> float:
    return median(side() for _ in range(TIMES))


class Client:
    """Posts over one connection that it keeps open."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        authorization = f"Bearer {token('testuser1', AccessToken.Scope.API)}"
        self._headers = {"Authorization": authorization, "Content-Type": "application/json"}

    def export(self, *, pause: float = MILLISECOND) -> tuple[float, float]:
        """Milliseconds until the 201, and until the export was there for everybody to see; `pause`: seconds from one
        look to the next."""
        began = time.perf_counter()
        self._connection.request("POST", "/api/readconsumptionbatches", BODY, self._headers)
        answer = self._connection.getresponse()
        answer.read()
        answered = time.perf_counter() - began
        assert answer.status == 201, answer.status
        batch = ReadConsumptionBatch.objects.filter(pk=int(str(answer.getheader("Location")).rpartition("/")[2]))
        ended = batch.exclude(status=OperationStatus.IN_PROGRESS).values_list("status", flat=True)
        assert _until(ended.first, pause) == OperationStatus.COMPLETED
        return answered * 1e3, (time.perf_counter() - began) * 1e3


def noop_alone() -> float:
    """Milliseconds from publishing it until it ran. Its result is stored after that, and not counted."""
    began = time.time()
    sent = noop.apply_async(queue="operations")
    stored = TaskResult.objects.filter(task_id=sent.id, status="SUCCESS").values_list("result", flat=True)
    return (float(_until(stored.first)) - began) * 1e3


def _until(look: Callable[[], Any], pause: float = MILLISECOND) -> Any:
    give_up = time.monotonic() + PATIENCE
    while (found := look()) is None:
        assert time.monotonic() < give_up
        time.sleep(pause)
    return found


@contextmanager
def drained(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Tasks a second by a worker that is started on a queue that is full, from its first result to its last."""
    ledgers.use(SMALL)
    queued = size or QUEUED

    def exports_a_second() -> float:
        for _ in range(queued):
            start_export(user_id=export.owner(), transaction_start=export.START, transaction_end=export.END)
        speed = _drain(run.name, queued)
        assert not ReadConsumptionBatch.objects.exclude(status=OperationStatus.COMPLETED).exists()
        return speed

    def noops_a_second() -> float:
        for _ in range(queued):
            noop.apply_async(queue="operations")
        return _drain(noop.name, queued)

    yield exports_a_second, noops_a_second


def _drain(task_name: str, queued: int) -> float:
    TaskResult.objects.all().delete()
    done = TaskResult.objects.filter(task_name=task_name, status="SUCCESS")
    with servers.program("worker", port=PORT, workers=CONCURRENCY, options=KNOWS_THE_NOOP):
        assert wait_until(lambda: done.count() >= queued, PATIENCE, 0.1), "the queue was not drained"
    span: dict[str, datetime] = done.aggregate(first=Min("date_done"), last=Max("date_done"))
    return (queued - 1) / (span["last"] - span["first"]).total_seconds()


ROWS = [
    Row(
        name="post-completed",
        ours="POST to Completed, 100 rows",
        other="POST, Celery no-op and COPY, each alone",
        bar=AtMost(2),
        unit="ms",
        prepare=to_completed,
        starred=True,
    ),
    Row(
        name="drain",
        ours="small exports drained from a full queue",
        other="Celery no-op tasks, same settings",
        bar=AtLeast(0.25),
        unit="/s",
        prepare=drained,
        warm_up=False,
    ),
]
