"""The private servers that the service stands on, and ways to hurt them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import psycopg
from redis import Redis

from config.embedded import broker, postgres, process
from config.embedded.place import Place
from tests.faults import processes
from tests.rabbitmq import RabbitMQ

PATIENCE = 60.0  # seconds that anything may take, except where a test says otherwise


class Servers:
    """A database and a broker. What holds them starts them and ends them."""

    place: Place
    postgres: subprocess.Popen[bytes]
    broker: subprocess.Popen[bytes]
    rabbit: RabbitMQ | None = None  # instead of the embedded broker

    @property
    def broker_url(self) -> str:
        return self.rabbit.url if self.rabbit else self.place.broker_url

    def start_broker(self) -> subprocess.Popen[bytes]:
        return self.rabbit.start() if self.rabbit else broker.start(self.place)

    @contextmanager
    def broker_down(self) -> Iterator[None]:
        process.stop(self.broker, (signal.SIGTERM, PATIENCE))
        try:
            yield
        finally:
            self.broker = self.start_broker()

    def empty_broker(self) -> None:
        if self.rabbit:
            self.rabbit.empty()
        else:
            with Redis(unix_socket_path=str(self.place.broker_socket)) as client:
                client.flushall()

    @contextmanager
    def broker_frozen(self) -> Iterator[None]:
        """The broker accepts and never answers."""
        os.killpg(self.broker.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.broker.pid, signal.SIGCONT)

    @contextmanager
    def database_down(self, signum: int = signal.SIGINT) -> Iterator[None]:
        """Ended in good order, or by SIGQUIT as in a crash."""
        sessions = processes.births(processes.children(self.postgres.pid))
        process.stop(self.postgres, (signum, PATIENCE))
        try:
            yield
        finally:
            # They keep its memory until they end.
            assert process.wait_until(lambda: not processes.left(sessions), PATIENCE), processes.left(sessions)
            self.postgres = postgres.start(self.place)

    @contextmanager
    def database_frozen(self) -> Iterator[None]:
        """It accepts connections and never answers, like a machine that lost its disk."""
        os.kill(self.postgres.pid, signal.SIGSTOP)  # first: from now on it has no more children
        frozen = [self.postgres.pid, *processes.children(self.postgres.pid)]
        for process_id in frozen[1:]:
            os.kill(process_id, signal.SIGSTOP)
        try:
            yield
        finally:
            for process_id in frozen:
                with suppress(ProcessLookupError):  # one that was about to end when it was stopped
                    os.kill(process_id, signal.SIGCONT)

    @contextmanager
    def ledger_locked(self) -> Iterator[None]:
        """Every export stands still at its first look at the ledger."""
        with psycopg.connect(self.place.database_url, application_name="tests") as connection:
            connection.execute("LOCK TABLE consumption_consumption IN ACCESS EXCLUSIVE MODE")
            yield
            with suppress(psycopg.OperationalError):  # when the database ended it is gone with its locks
                connection.rollback()

    @contextmanager
    def database_busy(self) -> Iterator[None]:
        """Sessions that compute and never end, more than there are processors."""
        endless = b"SELECT sum(sqrt(n)) FROM generate_series(1, 1e15) AS n"
        with ExitStack() as opened:
            for _ in range(2 * (os.cpu_count() or 1)):
                session = opened.enter_context(closing(psycopg.connect(self.place.database_url, autocommit=True)))
                opened.callback(session.cancel_safe)
                session.pgconn.send_query(endless)
            yield
