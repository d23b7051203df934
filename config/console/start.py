"""The start page: what needs me, the queue and the storage now, and the last 24 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from config.console import charts, needs
from config.console.charts import Chart, Column
from config.console.needs import Disk, listed
from datafiles.models import DataFile
from hypermedia.console import live_answer
from hypermedia.showing import duration, number, size
from jobs import figures
from jobs.figures import Hour, Queue

REMEMBERED_SECONDS = 30  # what costs more than the page, and changes slowly


@dataclass(frozen=True)
class Figure:
    """One number with its name, a remark, and the list that it counts."""

    name: str
    value: str
    remark: str
    address: str = ""
    percent: int | None = None


def add_to(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's hook for the start page."""
    return context | {"title": "Now"} | parts(request)


def live_view(request: HttpRequest) -> HttpResponse:
    """The parts of the start page as they are now."""
    if not admin.site.has_permission(request):
        return HttpResponse(status=204)
    return live_answer(request, "console/start.html", parts(request))


def parts(request: HttpRequest) -> dict[str, Any]:
    queue, disk = figures.queue(), needs.disk()
    mine = [need for need in needs.all_needs(queue, disk) if request.user.has_perm(need.permission)]
    if not request.user.has_perm("jobs.view_task"):
        return {"needs": mine, "figures": [], "charts": []}
    hours = cache.get_or_set("console-last-day", figures.last_day, REMEMBERED_SECONDS) or []
    return {"needs": mine, "figures": _figures(queue, disk, hours), "charts": [_throughput(hours), _durations(hours)]}


def _figures(queue: Queue, disk: Disk | None, hours: list[Hour]) -> list[Figure]:
    tasks = "jobs_task"
    completed, failed = sum(hour.completed for hour in hours), sum(hour.failed for hour in hours)
    rows = sum(hour.rows for hour in hours)
    return [
        Figure("Waiting", _many(queue.waiting), _age(queue.waiting_since), listed(tasks, "status__exact=PENDING")),
        Figure(
            "Running", _many(queue.running), "stopped" if queue.stopped else "queue is open",
            listed(tasks, "status__exact=PROCESSING"),
        ),
        Figure(
            "Completed, 24 h", number(completed), f"{number(rows)} rows",
            listed(tasks, "status__exact=COMPLETED&period=24h"),
        ),
        Figure(
            "Failed, 24 h", number(failed), _share(failed, completed),
            listed(tasks, "status__exact=ERRORED&period=24h"),
        ),
        _storage(disk),
    ]  # fmt: skip


def _many(count: int) -> str:
    return f"{number(count)}+" if count >= figures.COUNTED else number(count)


def _age(since: datetime | None) -> str:
    return "nothing waits" if since is None else f"oldest: {duration(timezone.now() - since)}"


def _share(failed: int, completed: int) -> str:
    ended = failed + completed
    return f"{100 * failed / ended:.1f} % of what ended" if ended else "nothing ended"


def _storage(disk: Disk | None) -> Figure:
    stored = cache.get_or_set("console-stored", _stored, REMEMBERED_SECONDS) or 0
    address = listed("datafiles_datafileset")
    if disk is None:
        return Figure("Stored files", size(stored), "", address)
    return Figure("Stored files", size(stored), f"disk {disk.percent} % full", address, disk.percent)


def _stored() -> int:
    return DataFile.objects.filter(removed_at=None).aggregate(bytes=Sum("content_length"))["bytes"] or 0


def _throughput(hours: list[Hour]) -> Chart:
    columns = [
        Column(
            _clock(hour),
            f"{_clock(hour)}: {hour.completed} completed, {hour.failed} failed, {hour.cancelled} cancelled",
            (hour.completed, hour.failed, hour.cancelled),
        )
        for hour in hours
    ]
    completed, failed = sum(hour.completed for hour in hours), sum(hour.failed for hour in hours)
    return charts.draw(
        columns, ("tp-s0", "tp-s1", "tp-s2"), _whole,
        title="Operations that ended, by the hour",
        summary=f"In the last 24 hours {completed} operations completed and {failed} failed.",
        legend=[("tp-k0", "completed"), ("tp-k1", "failed"), ("tp-k2", "cancelled")],
        headings=["Hour", "Completed", "Failed", "Cancelled", "Rows"],
        rows=[[_clock(one), *map(number, (one.completed, one.failed, one.cancelled, one.rows))] for one in hours],
    )  # fmt: skip


def _durations(hours: list[Hour]) -> Chart:
    columns = [
        Column(
            _clock(hour), f"{_clock(hour)}: median {duration(hour.median)}, 95 of 100 within {duration(hour.slow)}",
            (hour.median or 0.0,), hour.slow,
        )
        for hour in hours
    ]  # fmt: skip
    worst = max((hour.slow or 0.0 for hour in hours), default=0.0)
    return charts.draw(
        columns, ("tp-s3",), _short, charts.time_scale,
        title="From request to completed, by the hour",
        summary=f"In the worst hour 95 of 100 operations took at most {duration(worst)}.",
        legend=[("tp-k3", "median"), ("tp-k4", "95 of 100 within")],
        headings=["Hour", "Median", "95 of 100 within"],
        rows=[[_clock(hour), duration(hour.median), duration(hour.slow)] for hour in hours],
    )  # fmt: skip


def _whole(count: float) -> str:
    """Beside the scale; half an operation is none."""
    return f"{count:,.0f}" if count == int(count) else ""


def _short(seconds: float) -> str:
    """A length that fits beside the scale."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _clock(hour: Hour) -> str:
    return timezone.localtime(hour.begins).strftime("%H:%M")
