"""Schedules in the console: made and changed by a form, acted upon by name; and what became of each run."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from audit.console.actions import Acting, ActingAdmin, NamedAction, NecessaryReasonForm, user_id_of
from consumption.schedules import services
from consumption.schedules.forms import ScheduleForm, possible_owners, preview, time_zones
from consumption.schedules.models import ExportSchedule, ExportScheduleQuerySet, ScheduledRun, ScheduledRunQuerySet
from consumption.schedules.planner import database_time
from hypermedia.console import PageMixin, Panel, facts, live_answer, table
from hypermedia.narrowing import chosen_by, period_of
from hypermedia.showing import NOTHING, Tone, anchor, chip, joined, moment

OUTCOMES = {"started": Tone.GOOD, "refused": Tone.BAD, "skipped": Tone.WAITING}
ENDS = {"Completed": Tone.GOOD, "In Progress": Tone.BUSY, "Failed": Tone.BAD, "Cancelled": Tone.QUIET}
_SHOWN_RUNS = 10
_RUN = ("Planned for", "Outcome", "Export", "Why", "Started by")
_EDIT = "edit"


def _run_now(schedule: ExportSchedule, acting: Acting) -> str:
    run = services.run_now(schedule_id=schedule.pk, user_id=acting.user_id)
    return format_html("The run was {}. {}", run.outcome, run.reason or _export_of(run))


def _pause(schedule: ExportSchedule, acting: Acting) -> str:
    services.pause(schedule_id=schedule.pk, user_id=acting.user_id)
    return "Paused."


def _resume(schedule: ExportSchedule, acting: Acting) -> str:
    resumed = services.resume(schedule_id=schedule.pk, user_id=acting.user_id)
    return f"Resumed; the next run is on {_next_run(resumed)}."


def _begin_anew(schedule: ExportSchedule, acting: Acting) -> str:
    services.begin_anew(schedule_id=schedule.pk, user_id=acting.user_id)
    return "The next run brings everything once more."


def _let_be(run: ScheduledRun, acting: Acting) -> str:
    services.acknowledge(run_id=run.pk)
    return f"The {run} is let be."


def _cannot_let_be(run: ScheduledRun) -> str | None:
    if run.outcome != ScheduledRun.Outcome.REFUSED:
        return "It was not refused."
    return "Somebody has let it be already." if run.acknowledged else None


RUN_NOW = NamedAction(
    "run-now", "Run now", "schedules.run_exportschedule",
    "Starts an export besides the planned ones, on the owner's behalf.", _run_now,
)  # fmt: skip
PAUSE = NamedAction(
    "pause", "Pause", "schedules.pause_exportschedule", "No run until somebody resumes it; nothing counts as missed.",
    _pause, lambda schedule: "It is paused already." if schedule.paused else None, icon="pause",
)  # fmt: skip
RESUME = NamedAction(
    "resume", "Resume", "schedules.pause_exportschedule", "It goes on with its next time.",
    _resume, lambda schedule: None if schedule.paused else "It is not paused.", icon="resume",
)  # fmt: skip
BEGIN_ANEW = NamedAction(
    "begin-anew", "Begin anew", "schedules.change_exportschedule",
    "The next run brings everything since the beginning, also what earlier runs have brought.", _begin_anew,
    lambda schedule: None if schedule.continues else "Each run is about a period; there is nothing to begin anew.",
    icon="restart_alt", is_final=True,
)  # fmt: skip
LET_BE = NamedAction(
    "acknowledge", "Let it be", "schedules.acknowledge_scheduledrun",
    "Takes the refused run from the list of what needs an operator.", _let_be, _cannot_let_be,
    form=NecessaryReasonForm, icon="task_alt",
)  # fmt: skip
CHANGE = replace(RUN_NOW, name=_EDIT, label="Change", permission="schedules.change_exportschedule", icon=_EDIT)


@admin.register(ExportSchedule)
class ExportScheduleAdmin(PageMixin, ActingAdmin):
    """Never deleted: what a schedule started is its history."""

    form = ScheduleForm
    change_form_after_template = "console/schedule_form.html"
    list_display = ("name", "state", "window_rule", "times", "next_run", "last_run", "owner")
    list_filter = (
        "paused",
        "window_rule",
        chosen_by("due", "needs somebody", {"late": ("due, and nobody plans it", ExportScheduleQuerySet.late)}),
    )
    list_select_related = ("owner",)
    search_fields = ("name",)
    search_help_text = "Name of the schedule"
    ordering = ("name",)
    named_actions = (RUN_NOW, PAUSE, RESUME, BEGIN_ANEW)
    fieldsets = (
        ("What", {"fields": ("name", "owner", "limits", "window_rule", "begin", "format", "compression")}),
        ("When", {"fields": ("cron", "time_zone", "missed")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExportSchedule]:
        runs = ScheduledRun.objects.filter(schedule=OuterRef("pk")).order_by("-planned_at")
        last = {f"last_{name}": Subquery(runs.values(name)[:1]) for name in ("outcome", "export__status")}
        return super().get_queryset(request).select_related("owner", "series").annotate(**last)  # type: ignore[no-any-return]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("schedules.add_exportschedule")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The page shows; its form has an address of its own."""
        return _edits(request) and request.user.has_perm("schedules.change_exportschedule")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, None if _edits(request) else obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj is None or _edits(request) else ()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any) -> Any:
        if _edits(request):
            return super(PageMixin, self).render_change_form(request, context, *args, obj=obj, **kwargs)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def possible_actions(self, request: HttpRequest, row: Any) -> list[tuple[NamedAction, str]]:
        may_edit = request.user.has_perm(CHANGE.permission)
        edit = [(CHANGE, f"{self.page_of(row)}?{_EDIT}=1")] if may_edit else []
        return [*edit, *super().possible_actions(request, row)]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "limits" in form.base_fields:
            form.base_fields["limits"].widget = UnfoldAdminCheckboxSelectMultipleWidget()
            form.base_fields["limits"].widget.choices = form.base_fields["limits"].choices
        for name, usual in (("format", "ndjson"), ("compression", "none")):
            if name in form.base_fields:
                form.base_fields[name].help_text = f"Nothing chosen: {usual}"
        if "time_zone" in form.base_fields:
            form.base_fields["time_zone"].widget = UnfoldAdminSelectWidget(choices=time_zones())
        return form

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "owner":
            options["queryset"] = possible_owners()
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", view, name="schedules_exportschedule_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """What the form means as it is filled in now."""
        if not (request.user.has_perm("schedules.add_exportschedule") or request.user.has_perm(CHANGE.permission)):
            raise PermissionDenied
        pk = request.GET.get("pk", "")
        found = self.get_queryset(request).filter(pk=pk).first() if pk.isascii() and pk.isdecimal() else None
        return live_answer(request, "console/schedule_preview.html", preview(request.GET, found))

    def save_model(self, request: HttpRequest, obj: ExportSchedule, form: ModelForm[Any], change: bool) -> None:
        services.store(schedule=obj, user_id=user_id_of(request))
        before = form.initial.get("limits") or None
        if change and (left_out := services.unseen_before(obj, before, obj.limit_codes)):
            self.message_user(request, left_out, messages.WARNING)

    def response_add(self, request: HttpRequest, obj: ExportSchedule, *_: Any, **__: Any) -> HttpResponse:
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: ExportSchedule) -> HttpResponse:
        return self._saved(request, obj)

    def _saved(self, request: HttpRequest, schedule: ExportSchedule) -> HttpResponse:
        self.message_user(request, f"{schedule} is stored; the next run is on {_next_run(schedule)}.")
        return HttpResponseRedirect(self.page_of(schedule))

    @admin.display(description="state")
    def state(self, schedule: ExportSchedule) -> Any:
        if schedule.paused:
            return chip("paused", Tone.WAITING)
        return chip("on", Tone.GOOD) if schedule.next_run_at else chip("over", Tone.QUIET)

    @admin.display(description="times")
    def times(self, schedule: ExportSchedule) -> str:
        return f"{schedule.cron} {schedule.time_zone}"

    @admin.display(description="next run", ordering="next_run_at")
    def next_run(self, schedule: ExportSchedule) -> str:
        return _next_run(schedule)

    @admin.display(description="last run")
    def last_run(self, schedule: Any) -> Any:
        if schedule.last_export__status:
            return chip(schedule.last_export__status, ENDS[schedule.last_export__status])
        return chip(schedule.last_outcome, OUTCOMES[schedule.last_outcome]) if schedule.last_outcome else NOTHING

    def headline(self, row: Any) -> Any:
        return self.state(row)

    def panels(self, request: HttpRequest, row: ExportSchedule) -> list[Panel]:
        upcoming = [[number, _local(due, row)] for number, due in enumerate(row.next_runs(database_time(), 5), start=1)]
        title = "Next five runs, once it is resumed" if row.paused else "Next five runs"
        runs = row.runs.select_related("schedule", "export", "requested_by").order_by("-planned_at")[:_SHOWN_RUNS]
        address = f"{reverse('admin:schedules_scheduledrun_changelist')}?schedule__id__exact={row.pk}"
        return [
            facts("what", "What it exports", _what(row)),
            facts("when", "When", _when(row)),
            table("next", title, ["", "Planned for"], upcoming),
            table("runs", "Last runs", list(_RUN), [_line(run) for run in runs]),
            facts("history", "History", [*_history(row), ("Runs", anchor(address, "All runs"))], wide=True),
        ]


@admin.register(ScheduledRun)
class ScheduledRunAdmin(PageMixin, ActingAdmin):
    """Every time at which a schedule was due, and what became of it."""

    list_display = ("planned", "schedule", "chip", "export_and_status", "reason", "requested_by")
    list_filter = (
        "outcome",
        "schedule",
        chosen_by(
            "needs",
            "needs somebody",
            {"refused": ("refused, and nobody let it be", ScheduledRunQuerySet.needing_a_look)},
        ),
        period_of("created_at", "time"),
    )
    list_select_related = ("schedule", "export", "requested_by")
    ordering = ("-planned_at", "-id")
    named_actions = (LET_BE,)

    @admin.display(description="planned for", ordering="planned_at")
    def planned(self, run: ScheduledRun) -> str:
        return _local(run.planned_at, run.schedule)

    @admin.display(description="outcome")
    def chip(self, run: ScheduledRun) -> Any:
        return _outcome(run)

    @admin.display(description="export")
    def export_and_status(self, run: ScheduledRun) -> Any:
        return _export_of(run)

    def headline(self, row: ScheduledRun) -> Any:
        return self.chip(row)

    def panels(self, request: HttpRequest, row: ScheduledRun) -> list[Panel]:
        schedule = anchor(row.schedule.page, row.schedule)
        return [facts("run", "Run", [("Schedule", schedule), *zip(_RUN, _line(row), strict=True)], wide=True)]


def _edits(request: HttpRequest) -> bool:
    return _EDIT in request.GET


def _local(due: datetime, schedule: ExportSchedule) -> str:
    """By the schedule's own clock, with the day of the week and the zone."""
    return f"{due.astimezone(ZoneInfo(schedule.time_zone)):%a %Y-%m-%d %H:%M %Z}"


def _next_run(schedule: ExportSchedule) -> str:
    due = schedule.next_run_at
    return NOTHING if schedule.paused or due is None else _local(due, schedule)


def _what(schedule: ExportSchedule) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = [
        ("Period", schedule.get_window_rule_display()),
        ("Limits", ", ".join(schedule.limit_codes or ()) or "all that its owner may export"),
        ("Owner", schedule.owner),
        ("Format", f"{schedule.format or 'ndjson'}, compression {schedule.compression or 'none'}"),
    ]
    return [*rows, ("New since", _since(schedule))] if schedule.continues else rows


def _since(schedule: ExportSchedule) -> Any:
    """The snapshot that the next run continues from."""
    series = schedule.series
    if series is None or series.snapshot_at is None:
        return _local(schedule.begin, schedule) if schedule.begin else "the beginning: no run has completed yet"
    return chip("lost with a restore: let it begin anew", Tone.BAD) if series.is_lost else moment(series.snapshot_at)


def _when(schedule: ExportSchedule) -> list[tuple[str, Any]]:
    return [
        ("Times", schedule.cron),
        ("Time zone", schedule.time_zone),
        ("Next run", _next_run(schedule)),
        ("Missed runs", schedule.get_missed_display()),
    ]


def _history(schedule: ExportSchedule) -> list[tuple[str, Any]]:
    return [
        ("Made", format_html("{} by {}", moment(schedule.creation_date), schedule.created_by)),
        ("Last changed", format_html("{} by {}", moment(schedule.last_updated_date), schedule.last_updated_by)),
        ("Version", schedule.version),
    ]


def _line(run: ScheduledRun) -> list[Any]:
    """Of the tables of runs."""
    return [
        _local(run.planned_at, run.schedule),
        _outcome(run),
        _export_of(run),
        run.reason,
        run.requested_by or "the planner",
    ]


def _outcome(run: ScheduledRun) -> Any:
    return joined(chip(run.outcome, OUTCOMES[run.outcome]), chip("let be", Tone.QUIET) if run.acknowledged else "")


def _export_of(run: ScheduledRun) -> Any:
    if run.export is None:
        return NOTHING
    page = reverse("admin:consumption_readconsumptionbatch_change", args=[run.export.pk])
    return format_html(
        "{} {}", anchor(page, f"export {run.export.pk}"), chip(run.export.status, ENDS[run.export.status])
    )
