"""The Celery application: `celery -A config ...`."""

from __future__ import annotations

import logging
import os
from typing import Any

from billiard.common import REMAP_SIGTERM
from celery import Celery
from celery.signals import (
    setup_logging,
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from config import stopping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

logger = logging.getLogger(__name__)

app = Celery("tallyport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Django's LOGGING is the one place that configures logs; without a receiver Celery sets up its own."""


@worker_init.connect
def say_how_it_will_stop(**_: Any) -> None:
    """Without that variable SIGTERM makes Celery wait until every task is done, which may take hours."""
    if REMAP_SIGTERM != "SIGQUIT":
        logger.warning("REMAP_SIGTERM=SIGQUIT is not set: told to stop, this worker will not give its work back")


@worker_process_init.connect
def end_with_the_worker(**_: Any) -> None:
    """A pool child must not outlive a worker that was killed: it would go on with work that is already taken away."""
    from config.embedded.process import die_with_parent

    die_with_parent()


@worker_process_init.connect
def keep_a_connection(**_: Any) -> None:
    """A child of the pool runs one attempt at a time."""
    from jobs.connections import kept

    kept.on = True


@worker_ready.connect
def show_signs_of_life(sender: Any = None, **_: Any) -> None:
    from jobs.heartbeats import Heart

    Heart(sender.hostname, sorted(app.amqp.queues.consume_from)).start()


@worker_ready.connect
def hear_of_the_end(sender: Any = None, **_: Any) -> None:
    has_children = sender.pool.__module__.endswith("prefork")  # threads end by themselves, and hold no task
    stopping.hear_of_the_end(end_in_time=has_children and REMAP_SIGTERM == "SIGQUIT")


@worker_shutting_down.connect
def give_work_back_at_once(how: str = "", **_: Any) -> None:
    """SIGTERM under REMAP_SIGTERM=SIGQUIT: Celery has ended the pool, and sends no `worker_shutdown` in this case."""
    if how == "Cold":
        stopping.give_work_back()


@worker_shutdown.connect
def give_work_back(**_: Any) -> None:
    """Whatever the pool still held when the worker was told to stop goes back to the queue, unspent."""
    stopping.give_work_back()
