"""The lease of one attempt: kept by renewing it, and the end of the attempt when it cannot be kept.

Two threads of the worker child, started after the fork. The *watch* knows only this process's monotonic clock. The
*renewer* writes the lease (and the progress) on a connection of its own; the watch starts it with its first tick, since
most attempts are over by then, and a renewer that hangs in the network cannot stop the watch. The deadline counts from
before the renewal was sent, so it never lies later than the database's.
"""

from __future__ import annotations

import _thread
import logging
import os
import threading
import time
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection as django_connection
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from hypermedia.database import let_go
from jobs.errors import LeaseLost

logger = logging.getLogger(__name__)

_RENEW = """
    UPDATE jobs_task
       SET lease_expires_at = statement_timestamp() + make_interval(secs => %(lease)s),
           rows_written = greatest(rows_written, %(written)s),
           rows_expected = coalesce(rows_expected, %(expected)s)
     WHERE id = %(task_id)s AND epoch = %(epoch)s AND status = 'PROCESSING'
"""
# From losing the lease to the end of the process by force. With a renewal and a tick it stays below five seconds.
GRACE_SECONDS = 2.5
_CANCEL_SECONDS = 0.5  # between two attempts to cancel the running statement: it may just have changed
_TICK_SECONDS = 0.25
EX_LEASE_LOST = 70


def connection_info(**overrides: Any) -> str:
    """What psycopg needs to open another connection to the service's database."""
    keywords = {option.keyword.decode() for option in Conninfo.get_defaults()}
    parameters = django_connection.get_connection_params()
    return make_conninfo(**{key: value for key, value in parameters.items() if key in keywords} | overrides)


class Lease:
    """Keeps one claimed task ours while the body runs; a context manager."""

    def __init__(self, *, task_id: int, epoch: int, claimed_at: float) -> None:
        self._key = {"task_id": task_id, "epoch": epoch, "lease": settings.LEASE_SECONDS}
        self._progress: dict[str, int | None] = {"written": 0, "expected": None}
        self._claimed_at = claimed_at
        self._deadline = claimed_at + settings.LEASE_SECONDS
        self._kept = threading.Event()  # set: no more renewals
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._guarded: list[psycopg.Connection[Any]] = []

    def __enter__(self) -> Lease:
        _thread.start_new_thread(self._watch, ())  # whoever starts a Thread waits until it runs
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.set()
        self._ended.set()

    @property
    def lost(self) -> bool:
        return self._lost.is_set()

    def check(self) -> None:
        """Raises LeaseLost when the task is no longer ours."""
        if self.lost:
            raise LeaseLost

    def age(self) -> float:
        """Seconds since the claim."""
        return time.monotonic() - self._claimed_at

    def progress(self, written: int, expected: int | None) -> None:
        """What the next renewal will store; free of charge."""
        self._progress = {"written": written, "expected": expected}

    def guards(self, connection: psycopg.Connection[Any]) -> None:
        """Names a connection whose statement is cancelled when the lease is lost."""
        self._guarded.append(connection)

    def finishing(self) -> None:
        """No more renewals: the task is about to end, and must not look lost because it has. What is left of the
        lease is the time for that; the watch stays."""
        self._kept.set()

    def _start_renewing(self) -> bool:
        try:
            threading.Thread(target=self._renew, name="lease-renewer", daemon=True).start()
        except RuntimeError as error:  # no thread to be had; the lease has some time left
            logger.warning("task %s: lease not renewed (%s)", self._key["task_id"], error)
            return False
        return True

    def _renew(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        wait = settings.LEASE_RENEWAL_SECONDS - self.age()
        while not self._kept.wait(max(0, wait)):
            wait = settings.LEASE_RENEWAL_SECONDS
            try:
                connection = connection or self._connect()
                sent = time.monotonic()
                if connection.execute(_RENEW, {**self._key, **self._progress}).rowcount == 0:
                    if not self._kept.is_set():
                        self._lose("it was taken away or cancelled")
                    break
                self._deadline = sent + settings.LEASE_SECONDS
            except psycopg.Error as error:
                logger.warning("task %s: lease not renewed (%s)", self._key["task_id"], type(error).__name__)
                let_go(error)
                _close(connection)
                connection = None
        _close(connection)

    def _connect(self) -> psycopg.Connection[Any]:
        conninfo = connection_info(
            application_name=f"tallyport lease {self._key['task_id']}",
            connect_timeout=max(2, int(settings.LEASE_SECONDS / 3)),
            tcp_user_timeout=int(settings.LEASE_SECONDS * 500),
        )
        connection = psycopg.connect(conninfo, autocommit=True)
        connection.execute(f"SET statement_timeout = {int(settings.LEASE_SECONDS * 500)}")
        return connection

    def _watch(self) -> None:
        renewing = False
        while not self._ended.wait(min(_TICK_SECONDS, settings.LEASE_SECONDS / 4)):
            renewing = renewing or self._start_renewing()
            if time.monotonic() >= self._deadline and not self.lost:
                self._lose("it could not be renewed in time")
            if self.lost:
                self._stop_the_attempt()
                return

    def _lose(self, why: str) -> None:
        if not self._ended.is_set():
            logger.warning("task %s: lease lost, %s", self._key["task_id"], why)
            self._lost.set()

    def _stop_the_attempt(self) -> None:
        """Cancels what the attempt does in the database until the attempt gives up; after a while, by force."""
        give_up = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < give_up:
            for connection in self._guarded:
                _cancel(connection)
            if self._ended.wait(_CANCEL_SECONDS):
                return
        logger.error("task %s: the attempt does not stop; ending the process", self._key["task_id"])
        os._exit(EX_LEASE_LOST)


def _cancel(connection: psycopg.Connection[Any]) -> None:
    if connection.closed:
        return
    try:
        connection.cancel_safe(timeout=_CANCEL_SECONDS)
    except psycopg.Error as error:
        logger.warning("a statement could not be cancelled (%s)", type(error).__name__)


def _close(connection: psycopg.Connection[Any] | None) -> None:
    if connection is not None:
        connection.close()
