"""How a Celery worker ends when it is told to: at once, and its work goes back to the queue, unspent.

Celery ends its pool first, and only then tells us. It waits for the pool without end, though, for instance for a child
that stands still. So from the signal on there is a time within which it has to be done.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

# Together less than the 20 seconds after which a service manager kills whoever is still there (deploy/systemd).
STOP_SECONDS = 8.0  # for Celery to end its pool
GIVE_BACK_SECONDS = 8.0  # what is not given back by then is left to the reaper


def end_in_time() -> None:
    """From SIGTERM on Celery has STOP_SECONDS. To be called in the main thread, once Celery has its own handler."""
    celerys = signal.getsignal(signal.SIGTERM)
    if not callable(celerys) or isinstance(celerys, _Told):
        return  # a worker is ready again whenever it has a new connection to its broker
    signal.signal(signal.SIGTERM, _Told(celerys))


class _Told:
    """Hears of the signal before Celery does."""

    def __init__(self, celerys: Callable[[int, Any], Any]) -> None:
        self._celerys = celerys

    def __call__(self, signum: int, frame: Any) -> None:
        watch = threading.Timer(STOP_SECONDS, _end)
        watch.daemon = True
        watch.start()
        self._celerys(signum, frame)


def _end() -> None:
    """The children end with us: the kernel sees to it (config/celery.py)."""
    logger.warning(
        "the pool did not end within %s seconds; its work is given back, and its processes are killed", STOP_SECONDS
    )
    give_work_back()
    os._exit(1)


def give_work_back() -> None:
    """In a thread: the signal may have come in the middle of something, and a database that does not answer must not
    keep the worker from ending."""
    thread = threading.Thread(target=_give_back, name="give-back", daemon=True)
    thread.start()
    thread.join(GIVE_BACK_SECONDS)


def _give_back() -> None:
    from django.db import DatabaseError, connections

    from jobs.recovery import give_back_all
    from jobs.workers import OWNER

    try:
        logger.info("%s tasks given back", give_back_all(owner=OWNER))
    except DatabaseError as error:
        logger.warning("work could not be given back (%s); the reaper will see to it", type(error).__name__)
    finally:
        connections.close_all()
