"""What needs an operator now: the first thing on the start page. Nothing here is decided, only looked at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from consumption.schedules.models import ExportSchedule, ScheduledRun
from hypermedia.showing import Tone, duration, size
from jobs import figures, registry
from jobs.callbacks.models import IntegrationJob
from jobs.figures import Queue
from jobs.notifications.models import Delivery, NotificationEndpoint

LATELY = timedelta(days=7)
ALMOST_FULL, FULL = 85, 95  # percent of the disk


@dataclass(frozen=True)
class Need:
    """One thing to look at. `count` 0: no number belongs to it. `permission`: who can do something with it."""

    tone: Tone
    what: str
    why: str
    address: str
    permission: str
    count: int = 0


@dataclass(frozen=True)
class Disk:
    total: int
    free: int

    @property
    def percent(self) -> int:
        return round(100 * (self.total - self.free) / self.total) if self.total else 0


def all_needs(queue: Queue, disk: Disk | None) -> list[Need]:
    """The worst first."""
    found = [*_queue(queue), *_disk(disk), *_failed(), *_silent(), *_endpoints(), *_deliveries(), *_schedules()]
    return sorted(found, key=lambda need: need.tone is not Tone.BAD)


def disk() -> Disk | None:
    """The disk that holds the files; None when they lie elsewhere, or cannot be seen."""
    folder = Path(settings.DATA_FILES_DIR)
    try:
        usage = shutil.disk_usage(folder if folder.exists() else folder.parent)
    except OSError:
        return None
    return Disk(usage.total, usage.free)


def listed(model: str, query: str = "") -> str:
    """The address of a list, narrowed down."""
    return f"{reverse(f'admin:{model}_changelist')}{f'?{query}' if query else ''}"


def _queue(queue: Queue) -> Iterator[Need]:
    waiting = listed("jobs_task", "status__exact=PENDING")
    if queue.stopped:
        yield Need(
            Tone.BAD, "The queue is stopped", "No task is picked until it is started.", reverse("admin-queue"),
            "jobs.view_task", queue.waiting,
        )  # fmt: skip
    if queue.has_no_worker:
        alive = f"{queue.workers} are alive" if queue.workers else "None shows a sign of life"
        since = f"; the first waits for {duration(timezone.now() - queue.waiting_since)}" if queue.waiting_since else ""
        yield Need(Tone.BAD, "No worker takes tasks", f"{alive}{since}.", waiting, "jobs.view_task", queue.waiting)
    if queue.lost:
        why = "Their workers stopped answering. They are taken back by themselves when beat runs."
        address = listed("jobs_task", "failures=lost")
        yield Need(Tone.WAITING, "Tasks lost their worker", why, address, "jobs.view_task", queue.lost)


def _disk(disk: Disk | None) -> Iterator[Need]:
    if disk is None or disk.percent < ALMOST_FULL:
        return
    tone = Tone.BAD if disk.percent >= FULL else Tone.WAITING
    why = f"{size(disk.free)} of {size(disk.total)} are free. Exports fail when it is full."
    address = listed("datafiles_datafileset")
    yield Need(tone, f"The disk of the files is {disk.percent} % full", why, address, "datafiles.view_datafileset")


def _failed() -> Iterator[Need]:
    for code, count in figures.failed_lately(LATELY).items():
        kind = registry.get(code)
        meta = kind.model._meta
        name = f"{meta.app_label}_{meta.model_name}"
        try:
            address = listed(name, "failures=open&period=7d")
        except NoReverseMatch:  # a type without a page of its own
            address = listed("jobs_task", f"failures=open&task_type__code__exact={code}&period=7d")
            name = "jobs_task"
        app_label, _, model = name.rpartition("_")
        why = f"{kind.description}; failed in the last 7 days, not restarted and not let be."
        what = f"Failed {meta.verbose_name_plural}"
        yield Need(Tone.BAD, what, why, address, f"{app_label}.view_{model}", count)


def _silent() -> Iterator[Need]:
    if count := _count(IntegrationJob.objects.filter(flagged=True)):
        why = "An integration did not report in time, or reported something after the end."
        address = listed("callbacks_integrationjob", "flagged__exact=1")
        yield Need(Tone.BAD, "Flagged jobs", why, address, "callbacks.view_integrationjob", count)


def _endpoints() -> Iterator[Need]:
    permission = "notifications.view_notificationendpoint"
    if count := _count(NotificationEndpoint.objects.disabled()):
        why = "They were switched off because they failed for too long, or said they are gone."
        address = listed("notifications_notificationendpoint", "state=disabled")
        yield Need(Tone.BAD, "Disabled endpoints", why, address, permission, count)
    if count := _count(NotificationEndpoint.objects.failing()):
        why = "Their last calls failed; they are tried again by themselves."
        address = listed("notifications_notificationendpoint", "state=failing")
        yield Need(Tone.WAITING, "Failing endpoints", why, address, permission, count)


def _deliveries() -> Iterator[Need]:
    lately = timezone.now() - LATELY
    if count := _count(Delivery.objects.needing_a_look().filter(last_updated_date__gte=lately)):
        why = "Events that were given up in the last 7 days. Send them again once the receiver is mended."
        address = listed("notifications_delivery", "due=given-up&period=7d")
        yield Need(Tone.BAD, "Deliveries given up", why, address, "notifications.view_delivery", count)
    if count := _count(Delivery.objects.late()):
        why = "They are due and nobody sends them. Is a worker for deliveries running?"
        address = listed("notifications_delivery", "due=late")
        yield Need(Tone.BAD, "Deliveries wait", why, address, "notifications.view_delivery", count)


def _schedules() -> Iterator[Need]:
    permission = "schedules.view_exportschedule"
    if count := _count(ExportSchedule.objects.late()):
        why = "Their time has passed and nobody planned it. Are beat and a worker for housekeeping running?"
        yield Need(
            Tone.BAD, "Schedules are late", why, listed("schedules_exportschedule", "due=late"), permission, count
        )
    refused = ScheduledRun.objects.needing_a_look().filter(created_at__gte=timezone.now() - LATELY)
    if count := _count(refused):
        why = "Exports that their schedules did not start in the last 7 days; each run says why."
        address = listed("schedules_scheduledrun", "needs=refused&period=7d")
        yield Need(Tone.BAD, "Refused scheduled exports", why, address, permission, count)


def _count(rows: QuerySet[Any]) -> int:
    return rows.values("pk")[: figures.COUNTED].count()
