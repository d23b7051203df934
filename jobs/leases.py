"""The lease of one attempt: kept by renewing it, and the end of the attempt when it cannot be kept.

Two threads of the worker child, started after the fork. The *renewer* writes the lease (and the progress) on a
connection of its own. The *watch* knows only this process's monotonic clock: a renewer that hangs in the network
cannot stop it. The deadline counts from before the renewal was sent, so it never lies later than the database's.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection as django_connection
from psycopg.conninfo import make_conninfo

from jobs.errors import LeaseLost

logger = logging.getLogger(__name__)

_RENEW = """
    UPDATE jobs_task
       SET lease_expires_at = statement_timestamp() + make_interval(secs => %(lease)s),
           rows_written = greatest(rows_written, %(written)s),
           rows_expected = coalesce(rows_expected, %(expected)s)
     WHERE id = %(task_id)s AND epoch = %(epoch)s AND status = 'PROCESSING'
"""
# Between losing the lease and ending the process by force: time for the cancelled statement to unwind.
GRACE_SECONDS = 5.0


def connection_info(**overrides: Any) -> str:
    """What psycopg needs to open another connection to the service's database."""
    parameters = django_connection.get_connection_params()
    kept = {
        key: value for key, value in parameters.items() if isinstance(value, (str, int)) and key != "client_encoding"
    }
    return make_conninfo(**{**kept, **overrides})


class Lease:
    """Keeps one claimed task ours while the body runs; a context manager."""

    def __init__(self, *, task_id: int, epoch: int, claimed_at: float) -> None:
        self._key = {"task_id": task_id, "epoch": epoch, "lease": settings.LEASE_SECONDS}
        self._progress: dict[str, int | None] = {"written": 0, "expected": None}
        self._deadline = claimed_at + settings.LEASE_SECONDS
        self._ended = threading.Event()
        self._lost = threading.Event()
        self._running: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()
        self._conninfo = connection_info(
            application_name=f"tallyport lease {task_id}",
            connect_timeout=max(1, int(settings.LEASE_SECONDS / 3)),
            options=f"-c statement_timeout={int(settings.LEASE_SECONDS * 500)}",
        )

    def __enter__(self) -> Lease:
        for body in (self._renew, self._watch):
            threading.Thread(target=body, name=f"lease-{body.__name__}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    @property
    def lost(self) -> bool:
        return self._lost.is_set()

    def check(self) -> None:
        """Raises LeaseLost when the task is no longer ours."""
        if self.lost:
            raise LeaseLost

    def progress(self, written: int, expected: int | None) -> None:
        """What the next renewal will store; free of charge."""
        self._progress = {"written": written, "expected": expected}

    def guards(self, connection: psycopg.Connection[Any]) -> None:
        """Names the connection whose statement is cancelled when the lease is lost."""
        with self._lock:
            self._running = connection
        self.check()

    def _renew(self) -> None:
        connection: psycopg.Connection[Any] | None = None
        while not self._ended.wait(settings.LEASE_RENEWAL_SECONDS):
            try:
                if connection is None:
                    connection = psycopg.connect(self._conninfo, autocommit=True)
                sent = time.monotonic()
                if connection.execute(_RENEW, {**self._key, **self._progress}).rowcount == 0:
                    self._lose("it was taken away or cancelled")
                    break
                self._deadline = sent + settings.LEASE_SECONDS
            except psycopg.Error as error:
                logger.warning("task %s: lease not renewed (%s)", self._key["task_id"], type(error).__name__)
                if connection is not None:
                    connection.close()
                    connection = None
        if connection is not None:
            connection.close()

    def _watch(self) -> None:
        while not self._ended.wait(min(0.25, settings.LEASE_SECONDS / 4)):
            if time.monotonic() >= self._deadline:
                self._lose("it could not be renewed in time")
            if self.lost:
                self._stop_the_attempt()
                return

    def _lose(self, why: str) -> None:
        if not self._ended.is_set() and not self.lost:
            logger.warning("task %s: lease lost, %s", self._key["task_id"], why)
            self._lost.set()

    def _stop_the_attempt(self) -> None:
        with self._lock:
            running = self._running
        if running is not None and not running.closed:
            try:
                running.cancel_safe(timeout=GRACE_SECONDS / 2)
            except psycopg.Error:
                logger.warning("task %s: the statement could not be cancelled", self._key["task_id"])
        if not self._ended.wait(GRACE_SECONDS):
            logger.error("task %s: the attempt does not stop; ending the process", self._key["task_id"])
            os._exit(70)
