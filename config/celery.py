"""The Celery application: `celery -A config ...`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init, worker_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tallyport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_: Any) -> None:
    """Django's LOGGING is the one place that configures logs; without a receiver Celery sets up its own."""


@worker_process_init.connect
def end_with_the_worker(**_: Any) -> None:
    """A pool child must not outlive a worker that was killed: it would go on with work that is already taken away."""
    from config.embedded.process import die_with_parent

    die_with_parent()


@worker_shutdown.connect
def give_work_back(**_: Any) -> None:
    """Whatever the pool still held when the worker was told to stop goes back to the queue, unspent."""
    from jobs.running import owner_name
    from jobs.services import give_back_all

    give_back_all(owner=owner_name(os.getpid()))
