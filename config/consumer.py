"""What takes messages from the broker, in workers and keepers."""

from __future__ import annotations

from functools import partial

from celery.worker import consumer
from kombu import Connection

LOOK_SECONDS = 2


class Consumer(consumer.Consumer):
    """Looks again and again whether a lost broker is back; Celery lets up to half a minute pass between two looks."""

    def ensure_connected(self, conn: Connection) -> Connection:
        conn.ensure_connection = partial(conn.ensure_connection, interval_max=LOOK_SECONDS)  # type: ignore[method-assign]
        return super().ensure_connected(conn)
