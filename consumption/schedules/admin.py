"""Schedules in the console: made, changed, paused and run through the services, and what became of their runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.db.models import ForeignKey, OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelect2Widget

from consumption.schedules import services
from consumption.schedules.forms import ScheduleForm, possible_owners, time_zones
from consumption.schedules.models import ExportSchedule, ScheduledRun
from consumption.schedules.planner import database_time
from hypermedia.console import ConsoleAdmin, ReadOnlyAdmin
from hypermedia.errors import DomainError

OUTCOME_COLOURS = {
    ScheduledRun.Outcome.STARTED: "success",
    ScheduledRun.Outcome.REFUSED: "danger",
    ScheduledRun.Outcome.SKIPPED: "warning",
}
STATE_COLOURS = {"on": "success", "paused": "warning", "over": "danger"}
_SHOWN_RUNS = 10
_MOST_AT_ONCE = 200


@admin.register(ExportSchedule)
class ExportScheduleAdmin(ConsoleAdmin):
    """Made, changed, paused, resumed, run. Never deleted: what it started is its history."""

    form = ScheduleForm
    list_display = ("name", "state", "window_rule", "times", "next_run", "last_outcome", "owner")
    list_filter = ("paused", "window_rule")
    list_select_related = ("owner",)
    search_fields = ("name", "limit_codes")
    ordering = ("name",)
    actions = ("run_now", "pause", "resume", "begin_anew")
    readonly_fields = ("state", "next_runs", "last_runs", "since", "version", "created_by", "last_updated_by")
    _what = ("name", "owner", "limits", "window_rule", "begin", "format", "compression")
    _when = ("cron", "time_zone", "missed")
    _now = ("state", "next_runs", "since", "last_runs", "version", "created_by", "last_updated_by")

    def get_fieldsets(self, request: HttpRequest, obj: ExportSchedule | None = None) -> list[Any]:
        what: tuple[str, ...] = self._what
        if obj is not None and not self.has_change_permission(request, obj):
            what = tuple("limit_codes" if name == "limits" else name for name in what)
        shown = [("What", {"fields": what}), ("When", {"fields": self._when})]
        return shown if obj is None else [("Now", {"fields": self._now}), *shown]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExportSchedule]:
        runs = ScheduledRun.objects.filter(schedule=OuterRef("pk")).order_by("-planned_at")
        last = {f"last_{name}": Subquery(runs.values(name)[:1]) for name in ("outcome", "export__status")}
        return super().get_queryset(request).annotate(**last)  # type: ignore[no-any-return]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "limits" in form.base_fields:
            form.base_fields["limits"].widget = UnfoldAdminSelect2MultipleWidget()
            form.base_fields["limits"].widget.choices = form.base_fields["limits"].choices
        if "time_zone" in form.base_fields:
            form.base_fields["time_zone"].widget = UnfoldAdminSelect2Widget(choices=time_zones())
        return form

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "owner":
            options["queryset"] = possible_owners()
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: ExportSchedule, form: ModelForm[Any], change: bool) -> None:
        services.store(schedule=obj, user_id=_user_id(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="state", label=STATE_COLOURS)
    def state(self, schedule: ExportSchedule) -> str:
        return "paused" if schedule.paused else "on" if schedule.next_run_at else "over"

    @admin.display(description="times")
    def times(self, schedule: ExportSchedule) -> str:
        return f"{schedule.cron} {schedule.time_zone}"

    @admin.display(description="next run", ordering="next_run_at")
    def next_run(self, schedule: ExportSchedule) -> str:
        moment = schedule.next_run_at
        return "none" if schedule.paused or moment is None else _local(moment, schedule)

    @display(
        description="last run",
        label={"refused": "danger", "skipped": "warning", "Failed": "danger", "Completed": "success"},
    )
    def last_outcome(self, schedule: Any) -> str:
        return schedule.last_export__status or schedule.last_outcome or "none yet"

    @admin.display(description="next five runs")
    def next_runs(self, schedule: ExportSchedule) -> str:
        runs = schedule.next_runs(database_time(), 5)
        shown = format_html_join("", "<li>{}</li>", ((_local(moment, schedule),) for moment in runs))
        note = "None of them while it is paused." if schedule.paused else ""
        return format_html("<p>{}</p><ol>{}</ol>", note, shown)

    @admin.display(description="new since")
    def since(self, schedule: ExportSchedule) -> str:
        if not schedule.continues or schedule.series is None:
            return "not asked for: each run is about a period"
        if schedule.series.is_lost:
            return "lost with a restore; let it begin anew"
        moment = schedule.series.snapshot_at
        return "the beginning: no run has completed yet" if moment is None else _local(moment, schedule)

    @admin.display(description="last runs")
    def last_runs(self, schedule: ExportSchedule) -> str:
        runs = schedule.runs.select_related("export").order_by("-planned_at")[:_SHOWN_RUNS]
        rows = ((_local(run.planned_at, schedule), _outcome(run)) for run in runs)
        page = reverse("admin:schedules_scheduledrun_changelist")
        all_of_them = format_html('<a href="{}?schedule__id__exact={}">All runs</a>', page, schedule.pk)
        return format_html("<ul>{}</ul>{}", format_html_join("", "<li>{} {}</li>", rows), all_of_them)

    @admin.action(description="Run now", permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        for pk in queryset.values_list("pk", flat=True)[:_MOST_AT_ONCE]:
            try:
                run = services.run_now(schedule_id=pk, user_id=_user_id(request))
            except DomainError as error:
                self.message_user(request, f"{pk}: {error}", messages.WARNING)
            else:
                level = messages.SUCCESS if run.export_id else messages.WARNING
                self.message_user(request, format_html("{}: {}", run.schedule, _outcome(run)), level)

    @admin.action(description="Pause: no run until it is resumed", permissions=["pause"])
    def pause(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        self._each(request, queryset, services.pause, "paused")

    @admin.action(description="Resume", permissions=["pause"])
    def resume(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        self._each(request, queryset, services.resume, "resumed")

    @admin.action(description="Begin anew: the next run brings everything once more", permissions=["change"])
    def begin_anew(self, request: HttpRequest, queryset: QuerySet[ExportSchedule]) -> None:
        self._each(request, queryset, services.begin_anew, "begin anew")

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.run_exportschedule")

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.pause_exportschedule")

    def _each(self, request: HttpRequest, rows: QuerySet[ExportSchedule], act: Callable[..., Any], done: str) -> None:
        succeeded = 0
        for pk in rows.values_list("pk", flat=True)[:_MOST_AT_ONCE]:
            try:
                act(schedule_id=pk, user_id=_user_id(request))
                succeeded += 1
            except DomainError as error:
                self.message_user(request, f"{pk}: {error}", messages.WARNING)
        if succeeded:
            self.message_user(request, f"{succeeded} schedules {done}.", messages.SUCCESS)


@admin.register(ScheduledRun)
class ScheduledRunAdmin(ReadOnlyAdmin):
    """Every time at which a schedule was due, and what became of it."""

    list_display = ("planned", "schedule", "chip", "status", "reason", "requested_by")
    list_filter = ("outcome", "schedule")
    list_select_related = ("schedule", "export", "requested_by")
    ordering = ("-planned_at", "-id")

    @admin.display(description="planned for", ordering="planned_at")
    def planned(self, run: ScheduledRun) -> str:
        return _local(run.planned_at, run.schedule)

    @display(description="outcome", label=OUTCOME_COLOURS)
    def chip(self, run: ScheduledRun) -> str:
        return run.outcome

    @admin.display(description="export")
    def status(self, run: ScheduledRun) -> str:
        return _export_of(run)


def _user_id(request: HttpRequest) -> int:
    assert request.user.pk is not None  # the console lets nobody in without logging in
    return request.user.pk


def _local(moment: datetime, schedule: ExportSchedule) -> str:
    """By the schedule's own clock, with its day of the week and offset."""
    return f"{moment.astimezone(ZoneInfo(schedule.time_zone)):%a %Y-%m-%d %H:%M %Z}"


def _outcome(run: ScheduledRun) -> str:
    return format_html("{} {}", run.outcome, run.reason or _export_of(run))


def _export_of(run: ScheduledRun) -> str:
    if run.export is None:
        return ""
    page = reverse("admin:consumption_readconsumptionbatch_change", args=[run.export.pk])
    return format_html('<a href="{}">export {}</a> {}', page, run.export.pk, run.export.status)
