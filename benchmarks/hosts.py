"""`python -m benchmarks.hosts [--rows N]`: the processor time that each program spends on a poll and on an export.

Whole programs as `make run` starts them, over HTTP, with one endpoint that hears of every end. The figures say what a
core can do at most; `docs/scaling.md` rests on them.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django

from benchmarks.servers import here, program, servers

PORT, KEEPER_PORT = 9162, 9163
POLLS, SMALL_EXPORTS, LARGE_EXPORTS = 3000, 200, 5
SMALL, LARGE = 100, 200_000
PATIENCE = 600.0
LOOK_SECONDS = 0.02  # whether an export is there; more often, and PostgreSQL spends as much on the question
Programs = dict[str, int]  # name -> process id of the first of its processes


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosts", description=__doc__)
    parser.add_argument("--rows", type=int, default=LARGE, metavar="N", help="of the large export")
    arguments = parser.parse_args()
    with servers():
        django.setup()
        with running(SMALL) as programs:
            say(f"small export, {SMALL} rows", spent(programs, exports, SMALL_EXPORTS))
            say("poll", spent(programs, polls, POLLS))
        with running(arguments.rows) as programs:
            say(f"export, {arguments.rows:,} rows", spent(programs, exports, LARGE_EXPORTS))


@contextmanager
def running(rows: int) -> Iterator[Programs]:
    """The service on a ledger of so many rows."""
    from benchmarks import deliveries, export, ledgers
    from jobs.notifications import services

    ledgers.use(rows)
    services.create_endpoint(
        user_id=export.owner(), name="r", url=deliveries.URL, authentication={"type": "none"}, event_types=["*"]
    )
    with ExitStack() as stack:
        stack.enter_context(deliveries.receiver(0))
        ports = {"web": PORT, "worker": PORT, "keeper": KEEPER_PORT}
        programs = {name: stack.enter_context(program(name, port=port)).pid for name, port in ports.items()}
        yield {**programs, "PostgreSQL": int((here().cluster / "postmaster.pid").read_text().split()[0])}


def spent(programs: Programs, work: Callable[[int], None], times: int) -> dict[str, float]:
    """Milliseconds of processor time by program, for one of so many; a first one that warms up is not counted."""
    work(1)
    before = {name: processor_seconds(pid) for name, pid in programs.items()}
    work(times)
    return {name: (processor_seconds(pid) - before[name]) / times * 1e3 for name, pid in programs.items()}


def exports(times: int) -> None:
    """One after the other, until the events of all are delivered."""
    from benchmarks.operations import Client
    from config.embedded.process import wait_until
    from jobs.notifications.models import Delivery
    from jobs.notifications.states import DeliveryStatus

    client = Client(PORT)
    for _ in range(times):
        client.export(pause=LOOK_SECONDS)
    undelivered = Delivery.objects.exclude(status=DeliveryStatus.DELIVERED)
    assert wait_until(lambda: not undelivered.exists(), PATIENCE, 0.1), "not everything was delivered"


def polls(times: int) -> None:
    """Of the export that ended last, over one connection."""
    from benchmarks.web import POLL, token
    from consumption.models import ReadConsumptionBatch
    from jobs.callbacks.models import AccessToken

    path = POLL.format(ReadConsumptionBatch.objects.latest("pk").pk)
    headers = {"Authorization": f"Bearer {token('testuser1', AccessToken.Scope.API)}"}
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    for _ in range(times):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
    connection.close()


def processor_seconds(pid: int) -> float:
    """Of a process and all that come from it, those included that have ended and were waited for."""
    parents: dict[int, int] = {}
    times: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()  # proc(5): from the state on
        except OSError:  # it has just ended
            continue
        parents[int(folder.name)] = int(words[1])
        times[int(folder.name)] = sum(map(int, words[11:15]))
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(times.get(member, 0) for member in family) / os.sysconf("SC_CLK_TCK")


def say(what: str, milliseconds: dict[str, float]) -> None:
    cells = " | ".join(f"{name} {value:.2f} ms" for name, value in milliseconds.items())
    sys.stdout.write(f"{what}: {cells}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
