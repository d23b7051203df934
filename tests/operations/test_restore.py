"""The steps of docs/operations.md: a dump restored into another cluster, with the rule of the ledger's snapshots."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.embedded import folders, place, postgres, process, programs
from config.embedded.place import Place
from tests.services import temporary_folder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = 2_000
_SCHEDULE = """
from django.contrib.auth.models import User
from consumption.schedules import services
from consumption.schedules.models import ExportSchedule
user = User.objects.get(username="testuser1")
schedule = ExportSchedule(name="new", owner=user, window_rule="SINCE", cron="0 2 * * *", time_zone="UTC")
services.store(schedule=schedule, user_id=user.pk)
"""
# One run by hand, worked off here and now: what became of it, and its rows. A schedule has one run a second at most.
_RUN = """
import json, time
from django.contrib.auth.models import User
from consumption.schedules import services
from consumption.schedules.models import ExportSchedule
from hypermedia.errors import Conflict
from jobs.running import run_task
schedule, user = ExportSchedule.objects.get(), User.objects.get(username="operator1")
if {anew}:
    services.begin_anew(schedule_id=schedule.pk, user_id=user.pk)
run, give_up = None, time.monotonic() + 5
while run is None:
    try:
        run = services.run_now(schedule_id=schedule.pk, user_id=user.pk)
    except Conflict:
        if time.monotonic() > give_up:
            raise
if run.export:
    run_task(task_id=run.export.task_id)
    run.export.task.refresh_from_db()
print(json.dumps([run.outcome, run.reason, run.export and run.export.task.rows_written]))
"""
_INSERT = """
    INSERT INTO consumption_consumption (limit_id, counter_period_id, service_date, number_of_units, withdrawn)
    SELECT k.limit_id, p.id, current_date, 1, false
      FROM consumption_counterperiod p JOIN consumption_counter k ON k.id = p.counter_id
      JOIN consumption_limit l ON l.id = k.limit_id AND l.type = 'UNITS' LIMIT 1
"""


class Cluster:
    """A PostgreSQL of its own, and the service's commands with it."""

    def __init__(self, here: Place, files: Path) -> None:
        self.here = here
        self.environment = {
            **os.environ,
            "ENVIRONMENT": "development",
            "DATABASE_URL": here.database_url,
            "CELERY_BROKER_URL": f"redis+socket://{here.broker_socket}",
            "DATA_FILES_DIR": str(files),
            "PYTHONWARNINGS": "ignore",
            "LOG_LEVEL": "ERROR",
        }

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)

    def done(self, *arguments: str) -> str:
        answer = self.manage(*arguments)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def run(self, *, anew: bool = False) -> Any:
        return json.loads(self.done("shell", "-v", "0", "-c", _RUN.format(anew=anew)).splitlines()[-1])

    def count(self) -> int:
        with psycopg.connect(self.here.database_url) as connection:
            row = connection.execute("SELECT count(*) FROM consumption_consumption").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def clusters() -> Iterator[tuple[Cluster, Cluster]]:
    with ExitStack() as stack:
        folder = temporary_folder(stack)
        yield new_cluster(stack, folder), new_cluster(stack, folder, temporary_folder(stack))


def new_cluster(stack: ExitStack, shared: Path, folder: Path | None = None) -> Cluster:
    here = place.throwaway(folder or shared)
    folders.prepare(here)
    server = postgres.start(here, durable=False)
    stack.callback(lambda: process.stop(server, (signal.SIGQUIT, 2)))
    return Cluster(here, shared / "files")


def test_dumped_and_restored(clusters: tuple[Cluster, Cluster]) -> None:
    old, new = clusters
    old.done("prepare_development", "--sample", str(SAMPLE))
    old.done("shell", "-v", "0", "-c", _SCHEDULE)
    outcome, _, everything = old.run()
    assert outcome == "started"
    with psycopg.connect(old.here.database_url) as slow:
        slow.execute(_INSERT)  # not committed: it is in no dump
        entries = old.count()
        copy(old.here, new.here)
    assert new.count() == entries

    refused = new.manage("check", "--database", "default")
    assert refused.returncode != 0
    assert "consumption.E001" in refused.stderr
    assert f"{entries} entries adopted" in new.done("adopt_ledger")
    new.done("check", "--database", "default")

    outcome, reason, _ = new.run()
    assert outcome == "refused"
    assert "let the series begin anew" in reason
    assert new.run(anew=True)[2] == everything, "nothing is left out after the adoption"
    with psycopg.connect(new.here.database_url) as connection:
        connection.execute(_INSERT)
    assert new.run()[2] == 2, "one entry and its counter: the new cluster's ids and snapshots hold"


def copy(source: Place, target: Place) -> None:
    """What the runbook says, with the programs of the server's own version."""
    folder = programs.postgres(source)
    dump = source.private / "tallyport.dump"
    for command in (
        ["pg_dump", "-Fc", "--file", str(dump), source.database_url],
        ["pg_restore", "--no-owner", "--exit-on-error", "--dbname", target.database_url, str(dump)],
    ):
        done = subprocess.run([str(folder / command[0]), *command[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
