"""Telling the workers that a task waits. The row is the truth: a lost, late or doubled message changes nothing.

A publish never holds an answer longer than `PUBLISH_SECONDS`, whatever the broker does: it runs in one of a
few threads, and when all of them hang on a broker that accepts and never answers, the sweep will ring instead.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as PublishTimeout
from threading import BoundedSemaphore

from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

_THREADS = 4
_free = BoundedSemaphore(_THREADS)
_publishers = ThreadPoolExecutor(_THREADS, thread_name_prefix="doorbell")


def ring_on_commit(task_id: int) -> None:
    """Rings once the surrounding transaction is durable."""
    transaction.on_commit(lambda: ring(task_id))


def ring(task_id: int) -> bool:
    """Publishes the message for one task; False when that failed or took too long. Never raises."""
    if not _free.acquire(blocking=False):
        logger.warning("the broker does not answer; task %s waits for the sweep", task_id)
        return False
    try:
        published = _publishers.submit(_publish, task_id)
        published.add_done_callback(lambda _: _free.release())
    except RuntimeError:  # the interpreter is shutting down
        _free.release()
        return False
    try:
        published.result(timeout=settings.PUBLISH_SECONDS)
    except PublishTimeout:
        logger.warning("the broker took over %s s; task %s waits for the sweep", settings.PUBLISH_SECONDS, task_id)
        return False
    except Exception as error:  # any broker, any driver: the sweep makes up for all of them
        logger.warning("the broker refused (%s); task %s waits for the sweep", type(error).__name__, task_id)
        return False
    return True


def _publish(task_id: int) -> None:
    from jobs.tasks import run

    run.apply_async(kwargs={"task_id": task_id}, retry=False)
