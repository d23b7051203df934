"""Two web processes, three workers and two keepers, started by the units of `deploy/`, with RabbitMQ and one
PostgreSQL: one of each is killed, and every export that was answered with 201 completes."""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from config.embedded import folders, place, postgres, process
from tests.deploy.units import ROOT, all_units, read
from tests.faults import processes
from tests.rabbitmq import free_ports, needs_rabbitmq, rabbitmq
from tests.services import temporary_folder

pytestmark = [pytest.mark.slow, needs_rabbitmq]

PATIENCE = 90.0
PASSWORD = secrets.token_urlsafe(16)
EVERYTHING = {
    "transactionStartDateTime": {"value": "1900-01-01T00:00:00Z"},
    "transactionEndDateTime": {"value": "2999-12-31T00:00:00Z"},
}
_CLIENT = f"""
from django.contrib.auth.models import Group, User
User.objects.create_user("client", password="{PASSWORD}").groups.add(Group.objects.get(name="client"))
"""


class Fleet:
    """The processes of the units, by unit and instance."""

    def __init__(self, folder: Path, database_url: str, broker_url: str) -> None:
        self.folder = folder
        self.ports = [str(port) for port in free_ports(2)]
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "FAILPOINTS"},
            "ENVIRONMENT": "production",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "PUBLIC_URL": f"https://127.0.0.1:{self.ports[0]}",
            "ALLOWED_HOSTS": "127.0.0.1",
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": broker_url,
            "DATA_FILES_DIR": str(folder / "files"),
            "STATIC_ROOT": str(folder / "static"),
            "BEHIND_TLS_PROXY": "true",
            "LEASE_SECONDS": "5",
            "WORKER_CONCURRENCY": "2",
            "PYTHONWARNINGS": "ignore",
        }

    def start(self, name: str, instance: str = "") -> None:
        unit = read(f"tallyport-{name}")
        key = f"{name}{instance}"
        environment = {**unit.environment, **self.environment}
        argv = unit.argv(instance, self.environment, self.folder)
        self.running[key] = process.start(argv, log=self.folder / f"{key}.log", env=environment, cwd=ROOT)

    def run(self, *argv: str) -> None:
        done = subprocess.run(argv, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def kill(self, key: str) -> None:
        os.killpg(self.running[key].pid, signal.SIGKILL)
        self.running.pop(key).wait()

    def end(self) -> None:
        for program in self.running.values():
            process.kill_group(program)

    def ask(self, method: str, port: str, path: str, **more: Any) -> requests.Response:
        """As the proxy would pass it on; a link of an answer is followed at this web process."""
        path = path.removeprefix(self.environment["PUBLIC_URL"])
        headers = {"X-Forwarded-Proto": "https"}
        url = f"http://127.0.0.1:{port}{path}"
        return requests.request(method, url, auth=("client", PASSWORD), headers=headers, timeout=30, **more)

    def tails(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    def wait(self, what: str, done: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (found := done()):
            assert time.monotonic() < deadline, f"in vain: {what}\n{self.tails()}"
            time.sleep(0.1)
        return found


@pytest.fixture
def broker() -> Iterator[Any]:
    with ExitStack() as stack:
        folder = temporary_folder(stack)
        node = stack.enter_context(rabbitmq(folder / "rabbitmq", folder / "rabbitmq.log"))
        node.start()
        yield node


@pytest.fixture
def fleet(broker: Any) -> Iterator[Fleet]:
    with ExitStack() as stack:
        folder = temporary_folder(stack)
        here = place.throwaway(folder)
        folders.prepare(here)
        server = postgres.start(here, durable=False)
        stack.callback(lambda: process.stop(server, (signal.SIGQUIT, 2)))
        fleet = Fleet(folder, here.database_url, broker.url)
        stack.callback(fleet.end)
        prepare(fleet)
        yield fleet


def prepare(fleet: Fleet) -> None:
    """What `tallyport-migrate.service` does, a client, and something to export."""
    (migrate,) = [unit for unit in all_units() if unit.name == "tallyport-migrate"]
    for number in range(len(migrate.commands)):
        fleet.run(*migrate.argv("", fleet.environment, fleet.folder, number))
    manage = (sys.executable, "manage.py")
    fleet.run(*manage, "shell", "-c", _CLIENT)
    fleet.run("env", "ENVIRONMENT=development", *manage, "load_sample", "--consumptions", "20000")
    for port in fleet.ports:
        fleet.start("web@", port)
    for name, instances in (("worker@", "123"), ("keeper@", "12")):
        for instance in instances:
            fleet.start(name, instance)
    fleet.start("beat")
    for port in fleet.ports:
        fleet.wait(f"web {port} answers", partial(is_ready, fleet, port))


def is_ready(fleet: Fleet, port: str) -> bool:
    try:
        return fleet.ask("GET", port, "/readyz").ok
    except requests.RequestException:
        return False


def start_exports(fleet: Fleet, port: str, number: int) -> list[str]:
    answers = [fleet.ask("POST", port, "/api/readconsumptionbatches", json=EVERYTHING) for _ in range(number)]
    assert [answer.status_code for answer in answers] == [201] * number, answers[-1].text
    return [answer.headers["Location"] for answer in answers]


def link(document: dict[str, Any], rel: str) -> str:
    return next(str(found["href"]) for found in document["links"] if found["rel"] == rel)


def test_one_of_each_is_killed(fleet: Fleet, broker: Any) -> None:
    first, second = fleet.ports
    with psycopg.connect(fleet.environment["DATABASE_URL"]) as lock:
        lock.execute("LOCK TABLE consumption_consumption IN ACCESS EXCLUSIVE MODE")  # all exports stand still there
        accepted = start_exports(fleet, first, 6) + start_exports(fleet, second, 6)
        fleet.wait("it has work", partial(is_at_work, fleet, "worker@1"))
        fleet.kill("worker@1")
    accepted += start_exports(fleet, first, 2)
    fleet.kill(f"web@{first}")
    fleet.kill("keeper@1")
    accepted += start_exports(fleet, second, 6)
    with psycopg.connect(fleet.environment["DATABASE_URL"], autocommit=True) as database:
        unfinished = "SELECT count(*) FROM jobs_task WHERE status IN ('PENDING', 'PROCESSING')"
        fleet.wait("every export ends", lambda: database.execute(unfinished).fetchone() == (0,))
        (lost,) = database.execute("SELECT count(*) FROM jobs_taskattempt WHERE outcome = 'lost'").fetchone() or (0,)
    assert len(accepted) == 20
    contents = {content_of(fleet, second, export) for export in accepted}
    assert len(contents) == 1, "every export of the same window has the same bytes"
    assert lost > 0, "the worker died at work"
    queues = dict(line.split("\t") for line in broker.control("list_queues", "name", "type").splitlines())
    assert {queues[name] for name in ("operations", "housekeeping", "deliveries")} == {"quorum"}


def is_at_work(fleet: Fleet, key: str) -> bool:
    """Whether a child of this worker has claimed an export."""
    with psycopg.connect(fleet.environment["DATABASE_URL"]) as database:
        held = database.execute("SELECT thread_code FROM jobs_task WHERE status = 'PROCESSING'").fetchall()
    children = processes.children(fleet.running[key].pid)
    return any(int(code.rpartition("-")[2].split()[0]) in children for (code,) in held)


def content_of(fleet: Fleet, port: str, export: str) -> str:
    """The SHA-256 of an export's file, which is what its set says."""
    batch = fleet.ask("GET", port, export).json()
    assert batch["status"] == "Completed", (batch, fleet.tails())
    files = fleet.ask("GET", port, link(batch, "datafileset")).json()
    content = fleet.ask("GET", port, link(files, "file")).content
    found = hashlib.sha256(content).hexdigest()
    assert files["dataFiles"][0]["sha256"] == found
    return found
