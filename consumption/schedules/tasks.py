"""The Celery tasks: beat's knocks."""

from __future__ import annotations

import logging

from celery import shared_task
from celery.exceptions import Ignore
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from consumption.schedules import planner
from consumption.schedules.models import ScheduledRun

logger = logging.getLogger(__name__)

_MOST_FORGOTTEN = 5000


@shared_task(name="consumption.schedules.tasks.plan")
def plan() -> int:
    """Once a minute: starts the exports that are due; how many."""
    try:
        started = planner.plan()
    except (OperationalError, InterfaceError) as error:
        logger.warning("schedules: the database is away (%s); the next knock plans", type(error).__name__)
        raise Ignore from error
    if started:
        logger.info("schedules: %s exports started", started)
    return started


@shared_task(name="consumption.schedules.tasks.forget")
def forget() -> int:
    """Removes runs after SCHEDULED_RUN_RETENTION, the oldest first; how many."""
    old = ScheduledRun.objects.filter(created_at__lt=Now() - settings.SCHEDULED_RUN_RETENTION).order_by("created_at")
    return ScheduledRun.objects.filter(pk__in=old.values("pk")[:_MOST_FORGOTTEN]).delete()[0]
