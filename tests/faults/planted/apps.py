from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import AppConfig


class PlantedConfig(AppConfig):
    name = "tests.faults.planted"
    label = "planted"

    def ready(self) -> None:
        GUARDS[os.environ["PLANTED"]]()


def no_fence() -> None:
    """A worker may end a task whose lease it has lost."""
    from jobs import finishing
    from jobs.models import TaskQuerySet

    fence = " AND epoch = %(epoch)s AND status = ANY(%(allowed)s)"
    assert fence in finishing._FINISH
    finishing._FINISH = finishing._FINISH.replace(fence, "")
    TaskQuerySet.held = lambda self, task_id, epoch: self.filter(pk=task_id)  # type: ignore[method-assign]


def no_sweep() -> None:
    """Nobody rings again for a task whose message was lost."""
    from jobs import recovery

    recovery.tasks_to_ring = lambda *, limit=0: []


def no_rename() -> None:
    """A file is written under the name that it will have."""
    from datafiles import local_files

    @contextmanager
    def stage() -> Iterator[Any]:
        path = local_files.path_of(key := uuid.uuid4().hex)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("xb") as file:
            yield local_files.LocalStaged(key, file)

    local_files._STAGED = ""
    local_files.stage = stage


def no_condition() -> None:
    """The reaper takes away whatever it once saw with a lease that had run out."""
    from jobs import recovery
    from jobs.models import Task
    from jobs.states import TaskStatus

    def take_away(task: Task, text: str) -> bool:
        from hypermedia.failpoints import hit

        hit("reap.commit")  # between the look and the deed
        return recovery._try_again_or_fail(Task.objects.filter(pk=task.pk, status=TaskStatus.PROCESSING), task, text)

    from django.db import transaction

    recovery._take_away = transaction.atomic(take_away)


def no_look() -> None:
    """Nobody looks whether a run is there before writing it: the constraint alone is left, and the test drops it."""
    from consumption.schedules.models import ScheduledRun

    def create(*, defaults: dict[str, Any], **values: Any) -> tuple[ScheduledRun, bool]:
        return ScheduledRun.objects.create(**values, **defaults), True

    ScheduledRun.objects.get_or_create = create  # type: ignore[method-assign,assignment]


GUARDS: dict[str, Callable[[], None]] = {
    "fence": no_fence,
    "sweep": no_sweep,
    "rename": no_rename,
    "condition": no_condition,
    "constraint": no_look,
}
