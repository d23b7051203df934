"""The whole service as real processes on private servers, with short leases, and ways to hurt it.

Shares no code with the service but the commands that start it: asks in SQL and over HTTP what became of it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import requests
from celery import Celery
from kombu import Connection

from config.embedded import folders, place, postgres, process
from config.supervisor.environment import NO_NEWS, Address
from config.supervisor.services import Service, all_services
from tests.faults import history, processes
from tests.faults.baseline import Baseline, baseline
from tests.faults.servers import PATIENCE, Servers
from tests.notifications.receiver import Receiver
from tests.prepared import new_cluster
from tests.rabbitmq import free_ports, rabbitmq
from tests.services import temporary_folder

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = {
    "LEASE_SECONDS": "3",  # a busy machine keeps a renewal waiting for a second now and then
    "LEASE_RENEWAL_SECONDS": "0.3",
    "SWEEP_SECONDS": "0.5",
    "REPUBLISH_SECONDS": "1",
    "DELIVERY_LEASE_SECONDS": "2",
    "LOG_LEVEL": "INFO",
}
CONSUMPTIONS = 5_000  # about 1.5 MB of lines: more than one block
EVERYTHING = {
    "transactionStartDateTime": {"value": "1900-01-01T00:00:00Z"},
    "transactionEndDateTime": {"value": "2999-12-31T00:00:00Z"},
}
END_STATES = {"COMPLETED": "Completed", "ERRORED": "Failed", "CANCELLED": "Cancelled"}


class Stack(Servers):
    """A context manager. `mend` and every wait start again what a test has ended."""

    def __init__(self, consumptions: int = CONSUMPTIONS) -> None:
        self.consumptions = consumptions
        self.settings = dict(SETTINGS)
        self.of_worker: dict[str, str] = {}  # more settings, of the worker alone
        self.programs: dict[str, subprocess.Popen[bytes]] = {}
        self.wanted: set[str] = set()
        self.receivers = {"": Receiver(), "integration1": Receiver()}  # by the integration that each is, if it is one
        self.subscribed = False
        self.accepted: list[int] = []  # the exports that were answered with 201
        self.baseline: Baseline | None = None

    def __enter__(self) -> Stack:
        with ExitStack() as stack:
            self.folder = temporary_folder(stack)
            self.place = place.throwaway(self.folder)
            folders.prepare(self.place)
            self.files = self.folder / "files"
            self.failpoints = self.folder / "failpoints"
            self.failpoints.mkdir()
            self.port, self.second_port = free_ports(2)
            self.url = f"http://127.0.0.1:{self.port}"
            new_cluster(self.place, Path(os.environ.get("TESTS_SHARED", self.folder)), self.consumptions)
            self.postgres = postgres.start(self.place)
            # Whichever it is by then, and as in a crash: nobody needs the data any more.
            stack.callback(lambda: process.stop(self.postgres, (signal.SIGQUIT, 2)))
            if os.environ.get("FAULTS_BROKER") == "rabbitmq":
                self.rabbit = stack.enter_context(rabbitmq(self.folder / "rabbitmq", self.log("rabbitmq")))
            self.broker = self.start_broker()
            stack.callback(lambda: process.kill_group(self.broker))
            stack.callback(self.end_programs)
            history.start(self.place.database_url)
            for receiver in self.receivers.values():
                stack.enter_context(receiver)
            self.closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()

    # -- processes ---------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ENVIRONMENT": "development",
            "PYTHONWARNINGS": NO_NEWS,
            "PYTHONUNBUFFERED": "1",
            "REMAP_SIGTERM": "SIGQUIT",
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "DATABASE_URL": self.place.database_url,
            "CELERY_BROKER_URL": self.broker_url,
            "DATA_FILES_DIR": str(self.files),
            "FAILPOINTS": str(self.failpoints),
            **self.settings,
        }

    @contextmanager
    def restarted_with(self, *names: str, **settings: str) -> Iterator[None]:
        """While it lasts, these programs run with other settings."""
        before = self.settings
        self.settings = {**before, **settings}
        self.stop(*names)
        self.start(*names)
        try:
            yield
        finally:
            self.settings = before
            self.stop(*names)
            self.start(*names)

    def want_worker(self, settings: dict[str, str]) -> None:
        """From now on the worker has these settings beside the others; one that runs with others is stopped."""
        if self.of_worker != settings:
            self.of_worker = settings
            if "worker" in self.programs:
                self.stop("worker")

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *names: str) -> None:
        """Starts programs of the service: `web`, `worker`, `keeper`, `beat`, and with a 2 behind the name those of a
        second host; those that run already stay."""
        known = self.services()
        for name in names:
            if not self.runs(name):
                extra = ["--schedule", str(self.folder / name)] if name.startswith("beat") else []
                environment = self.environment() | (self.of_worker if name == "worker" else {})
                self.programs[name] = process.start(
                    [*known[name].argv, *extra], log=self.log(name), env=environment, cwd=ROOT
                )
        self.wanted |= set(names)
        if "web" in names:
            self.wait("the web server answers", self.is_warm)
            self.subscribe()

    def services(self) -> dict[str, Service]:
        found = {}
        for suffix, port in (("", self.port), ("2", self.second_port)):
            address = Address("127.0.0.1", port)
            for service in all_services(address, public_url=self.url, workers=2, run=self.folder):
                found[service.name + suffix] = service
        return found

    def subscribe(self) -> None:
        """Once: our receivers hear of every end."""
        for integration, receiver in () if self.subscribed else self.receivers.items():
            body = {"name": f"tests {integration}", "url": receiver.url}
            body |= {"integrationUser": integration} if integration else {}
            answer = self.request("POST", "/api/notificationendpoints", body, user="operator1")
            assert answer.status_code == 201, answer.text
        self.subscribed = True

    def runs(self, name: str) -> bool:
        return name in self.programs and self.programs[name].poll() is None

    def mend(self) -> None:
        """Starts again whatever has ended and should run, as a service manager would."""
        for name in [name for name in self.wanted if not self.runs(name)]:
            process.kill_group(self.programs[name])
            self.start(name)

    def stop(self, *names: str, signum: int = signal.SIGTERM, seconds: float = 10) -> None:
        """Ends programs and waits for them; they stay ended."""
        self.wanted -= set(names)
        for name in names:
            process.stop(self.programs.pop(name), (signum, seconds))

    def kill(self, name: str) -> None:
        """SIGKILL to a program's first process only; its children have to notice by themselves."""
        self.wanted -= {name}
        self.programs[name].kill()
        self.programs[name].wait()

    def end_programs(self) -> None:
        for name in list(self.programs):
            process.kill_group(self.programs.pop(name))
        self.wanted.clear()

    def children(self, name: str) -> list[int]:
        """The process ids of a program's own children."""
        return processes.children(self.programs[name].pid)

    def groups(self) -> dict[int, str]:
        """The names of the programs by their process groups."""
        return {program.pid: name for name, program in self.programs.items()}

    def nobody_frozen(self) -> bool:
        return not processes.frozen(self.groups())

    def log(self, name: str) -> Path:
        return self.place.log(name)

    # -- questions ---------------------------------------------------------------------------------

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.place.database_url, autocommit=True, application_name="tests") as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def value(self, statement: str, *parameters: Any) -> Any:
        return self.sql(statement, *parameters)[0][0]

    def task(self, batch: int) -> dict[str, Any]:
        """What the database knows of an export and its task."""
        names = ("task", "status", "operation", "epoch", "attempts", "owner", "code", "written")
        (row,) = self.sql(
            """SELECT t.id, t.status, b.status, t.epoch, t.attempt_count, t.owner, t.thread_code, t.rows_written
                 FROM consumption_readconsumptionbatch b JOIN jobs_task t ON t.id = b.task_id WHERE b.id = %s""",
            batch,
        )
        return dict(zip(names, row, strict=True))

    def messages(self, batch: int) -> list[tuple[str, str]]:
        """(code, text) of each message of an export, oldest first."""
        return [
            (code, text)
            for code, text in self.sql(
                """SELECT m.code, m.text FROM jobs_message m
                     JOIN jobs_interfacedmessage i ON i.id = m.interfaced_message_id
                     JOIN consumption_readconsumptionbatch b ON b.task_id = i.task_id WHERE b.id = %s ORDER BY m.id""",
                batch,
            )
        ]

    def request(self, method: str, path: str, body: Any = None, user: str = "testuser1") -> requests.Response:
        return requests.request(method, self.url + path, json=body, auth=(user, user), timeout=PATIENCE)

    def is_warm(self) -> bool:
        """Whether the web server answers; by then it has loaded everything and knows our password."""
        with suppress(requests.RequestException):
            return self.request("GET", "/api/generic/readconsumptionbatches/0").status_code == 404
        return False

    def post(self) -> requests.Response:
        """Asks for an export of everything."""
        answer = self.request("POST", "/api/readconsumptionbatches", EVERYTHING)
        if answer.status_code == 201:
            self.accepted.append(export_of(answer))
        return answer

    def start_export(self) -> int:
        """The id of a new export."""
        answer = self.post()
        assert answer.status_code == 201, answer.text
        return export_of(answer)

    # -- faults and waiting ------------------------------------------------------------------------

    def arm(self, failpoint: str, action: str) -> None:
        unfinished = self.folder / "unfinished"
        unfinished.write_text(action)
        unfinished.rename(self.failpoints / failpoint)

    def disarm(self) -> None:
        shutil.rmtree(self.failpoints)
        self.failpoints.mkdir()

    def is_armed(self, failpoint: str) -> bool:
        return (self.failpoints / failpoint).exists()

    def wait(self, what: str, done: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Asks until the answer is true, and gives it. An answer that fails for want of a database is none."""
        deadline = time.monotonic() + seconds
        while True:
            self.mend()
            with suppress(psycopg.OperationalError):
                if answer := done():
                    return answer
            assert time.monotonic() < deadline, f"in vain for {seconds:g} s: {what}\n{self.tails()}"
            time.sleep(0.05)

    def wait_for_end(self, batch: int, status: str = "Completed", seconds: float = PATIENCE) -> dict[str, Any]:
        ended = self.wait(
            f"export {batch} ends",
            lambda: (task := self.task(batch))["status"] in END_STATES and task,
            seconds,
        )
        assert ended["operation"] == status, (ended, self.messages(batch), self.tails())
        return dict(ended)

    def warm_up(self) -> None:
        """Exports through all programs, so that everybody has loaded and opened what it keeps. The first POST loads the
        client of the broker and may take its time."""
        self.wait_for_end(self.start_export())
        with ThreadPoolExecutor(8) as clients:
            for batch in clients.map(lambda _: self.start_export(), range(8)):
                self.wait_for_end(batch)
        self.baseline = self.opened()

    def opened(self) -> Baseline:
        """What the programs have open now."""
        return baseline(self.place.database_url, self.groups())

    def tails(self) -> str:
        """The ends of all logs, for whoever reads why a test failed."""
        parts = []
        for log in sorted((self.folder / "log").glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-25:]
            parts.append(f"--- {log.name}\n" + "\n".join(lines))
        return "\n".join(parts)

    def tidy(self) -> None:
        """Has the keeper run the janitor, now and for files of any age."""
        self.send("datafiles.tasks.tidy", "housekeeping", older_than_seconds=0)

    def is_through(self, number: int) -> bool:
        """Whether the worker has had so many messages of tasks since it started, and is done with all of them."""
        node = f"worker-{self.port}@{socket.gethostname()}"
        with self.client() as (app, connection):
            worker: Any = app.control.inspect(destination=[node], timeout=2, connection=connection)
            stats, active = worker.stats(), worker.active()
        return bool(stats and active) and stats[node]["total"].get("jobs.tasks.run", 0) >= number and not active[node]

    def send(self, task: str, queue: str, **arguments: object) -> None:
        """A message for the workers, past the service."""
        with self.client() as (app, connection):
            app.send_task(task, kwargs=arguments, queue=queue, connection=connection)

    @contextmanager
    def client(self) -> Iterator[tuple[Celery, Connection]]:
        """Of our broker, whatever the environment names, over a connection that does not outlive it in a pool."""
        with patch.dict(os.environ, CELERY_BROKER_URL=self.broker_url), Celery(set_as_current=False) as app:
            app.conf.task_create_missing_queue_type = "quorum" if self.rabbit else "classic"
            with app.connection_for_write() as connection:
                yield app, connection


def export_of(answer: requests.Response) -> int:
    """The id of the export that this 201 tells of."""
    return int(answer.headers["Location"].rpartition("/")[2])
