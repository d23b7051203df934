from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.faults import checks
from tests.faults.stack import Stack

HERE = Path(__file__).parent
# An entry now and then, so that every attempt has another snapshot and reads other rows.
_WRITE = """
    WITH entry AS (
        INSERT INTO consumption_consumption (limit_id, counter_period_id, service_date, number_of_units, withdrawn)
        SELECT k.limit_id, p.id, current_date, 1, false
          FROM consumption_counterperiod p JOIN consumption_counter k ON k.id = p.counter_id
          JOIN consumption_limit l ON l.id = k.limit_id AND l.type = 'UNITS'
         ORDER BY random() LIMIT 1
        RETURNING counter_period_id, number_of_units)
    UPDATE consumption_counterperiod p SET total = total + number_of_units FROM entry WHERE p.id = counter_period_id
"""


@pytest.fixture(scope="session")
def service() -> Iterator[Stack]:
    """All programs of the service, and somebody who writes to its ledger all the time."""
    with Stack() as stack:
        stack.start("web", "worker", "keeper", "beat")
        stack.warm_up()
        ended = threading.Event()
        writer = threading.Thread(target=write, args=(stack.place.database_url, ended))
        writer.start()
        yield stack
        ended.set()
        writer.join()


@pytest.fixture
def stack(service: Stack) -> Iterator[Stack]:
    """The service, in order and with nothing to do. After each test everything that has to hold is looked at."""
    with in_order(service) as stack:
        yield stack


@pytest.fixture
def patient(service: Stack) -> Iterator[Stack]:
    """The same with a worker whose lease cannot run out, so that nobody takes its work away. It stays for the tests
    after this one that want it too: to start a worker takes longer than they do."""
    with in_order(service, LEASE_SECONDS="60") as stack:
        yield stack


@contextmanager
def in_order(service: Stack, **of_worker: str) -> Iterator[Stack]:
    service.want_worker(of_worker)
    service.start("web", "worker", "keeper", "beat")
    service.mend()
    checks.idle(service)
    service.accepted.clear()
    since = checks.newest(service)
    yield service
    service.disarm()
    service.start("web", "worker", "keeper", "beat")
    checks.everything(service, since=since)


def write(database_url: str, ended: threading.Event) -> None:
    while not ended.is_set():
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(database_url, autocommit=True, application_name="tests") as connection,
        ):
            while not ended.wait(0.1):
                connection.execute(_WRITE)
        ended.wait(0.1)


def ours(database_url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(database_url, autocommit=True, application_name="tests")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How many rows there were, and each that failed, on lines of their own."""
    rows = {
        outcome: [
            report.nodeid for report in terminalreporter.stats.get(outcome, []) if "tests/faults/" in report.nodeid
        ]
        for outcome in ("passed", "failed", "error")
    }
    wrong = sorted({*rows["failed"], *rows["error"]})
    number = len({*rows["passed"], *wrong})
    if number:
        terminalreporter.write_sep("=", "faults")
        terminalreporter.write_line(f"{number - len(wrong)}/{number}")
        for row in wrong:
            terminalreporter.write_line(f"failed: {row}")
