"""Forgetting what ended long ago: tasks with their operations, messages and attempts. In small steps."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from jobs import registry
from jobs.models import Task
from jobs.states import ACTIVE

AT_ONCE = 500
MOST_STEPS = 100  # a run ends after these; the next one goes on


def forget_tasks() -> int:
    """Removes tasks that ended before TASK_RETENTION; how many. A task of a type that nobody knows stays."""
    gone = 0
    for _ in range(MOST_STEPS):
        step = _step()
        gone += step
        if step < AT_ONCE:
            break
    return gone


@transaction.atomic
def _step() -> int:
    """A task that is restarted right now is locked, so it is left alone."""
    operations = registry.all_operations()
    old = Task.objects.filter(
        last_updated_date__lt=Now() - settings.TASK_RETENTION,
        task_type__code__in=[operation.code for operation in operations],
    ).exclude(status__in=ACTIVE)
    chosen = old.order_by("last_updated_date").select_for_update(of=("self",), skip_locked=True)
    ids = list(chosen.values_list("pk", flat=True)[:AT_ONCE])
    for operation in operations:
        operation.model.objects.filter(task_id__in=ids).delete()
    Task.objects.filter(pk__in=ids).delete()
    return len(ids)
