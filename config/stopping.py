"""How a Celery worker ends when it is told to: at once, and its work goes back to the queue, unspent.

Celery ends its pool first, and only then tells us. It waits for the pool without end, though, for instance for a child
that stands still. So from the signal on there is a time within which it has to be done. A pool of threads has no work
to give back: what it does for long looks at `hypermedia.stopping.told`.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from hypermedia.stopping import told

logger = logging.getLogger(__name__)

# Together less than the 20 seconds after which a service manager kills whoever is still there (deploy/systemd).
# `manage.py up`, where nobody waits that long, does so after 4.5.
STOP_SECONDS = 8.0  # for Celery to end its pool
GIVE_BACK_SECONDS = 8.0  # what is not given back by then is left to the reaper
SAY_SECONDS = 1.0
_giving_back = threading.Lock()


def hear_of_the_end(*, end_in_time: bool) -> None:
    """To be called in the main thread, once Celery has its own handler of SIGTERM."""
    celerys = signal.getsignal(signal.SIGTERM)
    if callable(celerys):
        signal.signal(signal.SIGTERM, _Told(celerys, end_in_time))


class _Told:
    """Hears of the signal before Celery does."""

    def __init__(self, celerys: Callable[[int, Any], Any], end_in_time: bool) -> None:
        self._celerys, self._end_in_time = celerys, end_in_time

    def __call__(self, signum: int, frame: Any) -> None:
        told.set()
        try:
            if self._end_in_time:
                watch = threading.Timer(STOP_SECONDS, _end)
                watch.daemon = True
                watch.start()
        finally:  # there may be no more threads to be had
            self._celerys(signum, frame)


def _end() -> None:
    """The children end with us: the kernel sees to it (config/celery.py)."""
    give_work_back()
    _within(SAY_SECONDS, _say_so)
    os._exit(1)


def _say_so() -> None:
    logger.warning("the worker did not end within %s seconds; its processes are killed", STOP_SECONDS)


def give_work_back() -> None:
    """The signal may have come in the middle of something, and a database that does not answer must not keep the worker
    from ending."""
    _within(GIVE_BACK_SECONDS, _give_back)


def _within(seconds: float, step: Callable[[], None]) -> None:
    """In a thread: whoever was interrupted by the signal may hold what the step waits for."""
    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    thread.join(seconds)


def _give_back() -> None:
    from django.db import DatabaseError, connections

    from jobs.recovery import give_back_all
    from jobs.workers import OWNER

    try:
        with _giving_back:  # whoever comes second waits for the first
            number = give_back_all(owner=OWNER)
        logger.info("%s tasks given back", number)
    except DatabaseError as error:
        logger.warning("work could not be given back (%s); the reaper will see to it", type(error).__name__)
    finally:
        connections.close_all()
