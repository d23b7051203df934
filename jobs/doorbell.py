"""Telling the workers that a task waits. The row is the truth: a lost, late or doubled message changes nothing.

A publish never holds an answer longer than `PUBLISH_SECONDS`, whatever the broker does: each runs in a thread of its
own, a few at a time, and when all of them hang on a broker that accepts and never answers, the sweep will ring instead.
The threads are daemons, so that such a broker cannot keep a process from ending either.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as PublishTimeout
from threading import BoundedSemaphore, Thread
from typing import Any

from django.conf import settings
from django.db import transaction

from hypermedia.failpoints import hit

logger = logging.getLogger(__name__)

_AT_ONCE = 8  # no more than the connections to the broker that Celery keeps
_free = BoundedSemaphore(_AT_ONCE)

OPTIONS: dict[str, Any] = {
    "confirm_timeout": settings.PUBLISH_SECONDS,  # no wait for a confirmation that may never come
    # Not our time limits: Celery would send them along, and the worker could not have its own.
    "time_limit": None,
    "soft_time_limit": None,
}


def ring_on_commit(task_id: int) -> None:
    """Rings once the surrounding transaction is durable."""
    transaction.on_commit(lambda: ring(task_id))


def ring(task_id: int) -> bool:
    """Publishes the message for one task; False when that failed or took too long. Never raises."""
    from jobs.tasks import run

    return publish(lambda: run.apply_async(kwargs={"task_id": task_id}, **OPTIONS), f"task {task_id}")


def publish(send: Callable[[], object], what: str) -> bool:
    """Sends a message to the broker; False when that failed or took too long. Never raises. `what` waits for it."""
    try:
        hit("ring")
        _start(send).result(timeout=settings.PUBLISH_SECONDS)
    except PublishTimeout:
        logger.warning("the broker does not answer; %s waits for the sweep", what)
        return False
    except Exception as error:  # any broker, any driver: the sweep makes up for all of them
        logger.warning("the broker refused (%s); %s waits for the sweep", type(error).__name__, what)
        return False
    return True


def _start(send: Callable[[], object]) -> Future[None]:
    """Raises PublishTimeout when too many publishes hang already, RuntimeError when no thread can be had."""
    if not _free.acquire(blocking=False):
        raise PublishTimeout
    published: Future[None] = Future()
    try:
        Thread(target=_send, args=(send, published), name="doorbell", daemon=True).start()
    except RuntimeError:
        _free.release()
        raise
    return published


def _send(send: Callable[[], object], published: Future[None]) -> None:
    try:
        hit("publish")
        send()
        hit("published")
    except Exception as error:  # handed to whoever waits
        published.set_exception(error)
    else:
        published.set_result(None)
    finally:
        _free.release()
