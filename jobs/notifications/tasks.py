"""The Celery tasks: send what is due to one endpoint, and beat's knock."""

from __future__ import annotations

import logging
import time
from threading import BoundedSemaphore

from celery import shared_task
from django.conf import settings

from hypermedia.sessions import KeepsSession
from hypermedia.stopping import told
from jobs.notifications import alarms, outbox, retention, services
from jobs.notifications.sending import Sender

logger = logging.getLogger(__name__)

# The sweep and other housekeeping share the worker's threads: some always stay free for them.
_free = BoundedSemaphore(settings.DELIVERY_THREADS)
SLICE_SECONDS = 30.0


@shared_task(name="jobs.notifications.tasks.deliver", base=KeepsSession)
def deliver(*, endpoint_id: int) -> int:
    """Sends to one endpoint what is due, for a while, and until the process is told to stop; the number of calls made.
    Whatever is left is rung for again."""
    if not _free.acquire(blocking=False):
        return 0  # the sweep rings again
    sent = 0
    try:
        until = time.monotonic() + SLICE_SECONDS
        with Sender(endpoint_id) as sender:
            while not told.is_set() and (calls := sender.send()):
                sent += calls
                if time.monotonic() > until:
                    outbox.ring(endpoint_id)
                    break
    finally:
        _free.release()
    return sent


@shared_task(name="jobs.notifications.tasks.sweep")
def sweep() -> dict[str, int]:
    """Rings for every endpoint with something due, looks for silent integrations, tells the operators."""
    done = {
        "rung": services.ring_for_due(),
        "silent": alarms.watch_for_silence(),
        "mailed": alarms.mail_operators(),
    }
    if any(done.values()):
        logger.info("notifications: %(rung)s rings, %(silent)s silent jobs, %(mailed)s alarms mailed", done)
    return done


@shared_task(name="jobs.notifications.tasks.forget")
def forget() -> int:
    """Removes what is past its retention; how much."""
    return retention.forget_old()
