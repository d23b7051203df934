"""Signs of life of the workers: a row each, renewed every few seconds by a thread of the worker's main process.

Nothing is decided by them: leases say who owns a task. They tell people, and the probes, that somebody takes messages.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

import psycopg
from django.db.models.functions import Now

from hypermedia.database import let_go
from jobs.leases import connection_info
from jobs.models import WorkerHeartbeat

logger = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
_SECONDS = 3  # for one of them: a database that does not answer is no reason to pile up
_BEAT = """
    INSERT INTO jobs_workerheartbeat (name, queues, at) VALUES (%s, %s, statement_timestamp())
    ON CONFLICT (name) DO UPDATE SET queues = EXCLUDED.queues, at = EXCLUDED.at
"""


class Heart:
    """Beats as long as the process lives. Each beat has a connection of its own: none stays open, none is forked."""

    def __init__(self, name: str, queues: Sequence[str]) -> None:
        self._row = (name, list(queues))

    def start(self) -> None:
        threading.Thread(target=self._run, name="heartbeat", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.beat()
            time.sleep(EVERY_SECONDS)

    def beat(self) -> None:
        conninfo = connection_info(
            application_name="tallyport heartbeat",
            connect_timeout=_SECONDS,
            tcp_user_timeout=_SECONDS * 1000,
            options=f"-c statement_timeout={_SECONDS}s",
        )
        try:
            with psycopg.connect(conninfo, autocommit=True) as connection:
                connection.execute(_BEAT, self._row)
        except psycopg.Error as error:
            logger.warning("no heartbeat (%s)", type(error).__name__)
            let_go(error)


def alive() -> dict[str, int]:
    """Workers that beat lately, by the queue that they take messages from."""
    counted: dict[str, int] = {}
    for queues in WorkerHeartbeat.objects.fresh().values_list("queues", flat=True):
        for queue in queues:
            counted[queue] = counted.get(queue, 0) + 1
    return counted


def forget() -> int:
    """Removes the rows of workers that have been gone for a day."""
    return WorkerHeartbeat.objects.filter(at__lt=Now() - WorkerHeartbeat.GONE_AFTER).delete()[0]
