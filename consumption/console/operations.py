"""The console's pages of operations: lists that move, and a page that tells everything about one of them."""

from __future__ import annotations

import json
import shlex
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import TextFilter

from audit.console.actions import ActingAdmin
from consumption.console import finding, start, timeline
from consumption.models import ReadConsumptionBatch
from datafiles.console.appearance import files_panel
from datafiles.models import DataFile
from hypermedia.console import LiveListMixin, PageMixin, Panel, facts, live
from hypermedia.links import href
from hypermedia.narrowing import PeriodFilter, ReadByPeriod, UserFilter
from hypermedia.showing import NOTHING, ago, anchor, chip, joined, moment, size
from jobs.console import appearance
from jobs.console.actions import acknowledge_action, cancel_action, restart_action
from jobs.console.filters import OperationFailures
from jobs.models import Operation, Task
from jobs.states import OperationStatus


def _task(row: Operation) -> Task:
    return row.task


class LimitCodeFilter(TextFilter):  # type: ignore[misc]  # the theme is untyped
    title = "limit code"
    parameter_name = "limit"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        code = (self.value() or "").strip()
        return queryset.filter(finding.holding(code)) if code else queryset


class OperationAdmin(ReadByPeriod, LiveListMixin, PageMixin, ActingAdmin):
    """What all operations have in common. A subclass adds its parameters."""

    live_columns = ("chip", "progress", "rows", "attempt")
    quiet_seconds = 10
    list_filter: tuple[Any, ...] = ("status", OperationFailures, PeriodFilter, UserFilter)
    list_select_related: tuple[str, ...] = ("task__task_type", "created_by")
    ordering = ("-id",)
    search_fields = ("=id",)
    search_help_text = "Id of export, task, job or audit; limit code (also exports of all limits)"
    named_actions = (restart_action(_task), acknowledge_action(_task), cancel_action(_task))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        sums = (
            DataFile.objects.filter(data_file_set=OuterRef("data_file_set"))
            .order_by()
            .values("data_file_set")
            .annotate(sum=Sum("content_length"))
        )
        found = super().get_queryset(request).select_related(*self.list_select_related)
        return found.annotate(bytes=Subquery(sums.values("sum")))  # type: ignore[no-any-return]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return (finding.matching(queryset, search_term) if search_term.strip() else queryset), False

    def is_live(self, row: Operation) -> bool:
        return appearance.is_underway(row.task)

    @live("status")
    def chip(self, row: Operation) -> Any:
        return chip(row.status, appearance.OPERATION_TONES[OperationStatus(row.status)])

    @live("progress")
    def progress(self, row: Operation) -> Any:
        return appearance.progress(row.task)

    @live("rows")
    def rows(self, row: Operation) -> Any:
        return appearance.rows(row.task)

    @live("attempt")
    def attempt(self, row: Operation) -> Any:
        return appearance.attempt_number(row.task)

    @admin.display(description="size")
    def size(self, row: Any) -> str:
        return size(row.bytes)

    @admin.display(description="age", ordering="id")
    def age(self, row: Operation) -> Any:
        return ago(row.creation_date)

    def parameters(self, row: Any) -> list[tuple[str, Any]]:
        """What was asked for."""
        raise NotImplementedError

    def request_body(self, row: Any) -> dict[str, Any]:
        """The same, as the API takes it."""
        raise NotImplementedError

    def post_path(self) -> str:
        raise NotImplementedError

    def headline(self, row: Operation) -> Any:
        tone = appearance.OPERATION_TONES[OperationStatus(row.status)]
        shown = [chip(row.status, tone), appearance.let_be_chip(row.task)]
        if appearance.is_underway(row.task):
            shown.append(format_html("{} {}", appearance.progress(row.task), appearance.rows(row.task)))
        return joined(*shown, format_html("<span>asked for {} by {}</span>", ago(row.creation_date), row.created_by))

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        said, attempts = appearance.messages_of(row.task_id), appearance.attempts_of(row.task_id)
        failure = appearance.failure(row.task, said)
        moments = timeline.of(row, messages=said, attempts=attempts)
        return [
            *([failure] if failure else []),
            facts("parameters", "What was asked for", self.parameters(row)),
            facts("state", "What became of it", self._state(row)),
            *([files_panel(request.user, row.data_file_set)] if row.data_file_set else []),
            Panel("timeline", "What happened", "console/timeline.html", {"moments": moments}),
            self._curl(request, row),
        ]

    def _state(self, row: Any) -> list[tuple[str, Any]]:
        about = f"?q={timeline.path_of(row)}"
        events = reverse("admin:notifications_notificationevent_changelist")
        deliveries = reverse("admin:notifications_delivery_changelist")
        return [
            ("Rows", appearance.rows(row.task)),
            ("Size", self.size(row)),
            ("Attempt", appearance.attempt_number(row.task)),
            ("Task", appearance.task_link(row.task_id)),
            ("Data file set", self._set_link(row)),
            ("Events", anchor(f"{events}{about}", "events of this operation")),
            ("Deliveries", anchor(f"{deliveries}{about}", "who was told of it, and when")),
            ("Last change", moment(row.last_updated_date)),
        ]

    def _set_link(self, row: Any) -> Any:
        if row.data_file_set is None:
            return NOTHING
        return anchor(reverse("admin:datafiles_datafileset_change", args=[row.data_file_set_id]), row.data_file_set)

    def _curl(self, request: HttpRequest, row: Any) -> Panel:
        again = ["curl", "-i", "-u", request.user.get_username(), "-H", "Content-Type: application/json"]
        again += ["-d", json.dumps(self.request_body(row)), href(self.post_path())]
        look = ["curl", "-u", request.user.get_username(), href(timeline.path_of(row))]
        commands = [("look", "Look at it", shlex.join(look)), ("again", "Ask for the same", shlex.join(again))]
        return Panel("curl", "The same with curl", "console/curl.html", {"commands": commands})


@admin.register(ReadConsumptionBatch)
class ReadConsumptionBatchAdmin(OperationAdmin):
    """Exports."""

    change_list_template = "console/exports.html"
    list_display = ("id", "chip", "progress", "limits", "window", "rows", "size", "age", "created_by", "attempt")
    list_filter = ("status", OperationFailures, PeriodFilter, LimitCodeFilter, UserFilter)
    list_select_related = ("task__task_type", "created_by", "data_file_set")

    @admin.display(description="limits")
    def limits(self, batch: ReadConsumptionBatch) -> str:
        if batch.limit_codes is None:
            return "all"
        more = len(batch.limit_codes) - 3
        return ", ".join(batch.limit_codes[:3]) + (f" and {more} more" if more > 0 else "")

    @admin.display(description="period", ordering="transaction_start")
    def window(self, batch: ReadConsumptionBatch) -> str:
        return f"{batch.transaction_start:%Y-%m-%d} to {batch.transaction_end:%Y-%m-%d}"

    def parameters(self, row: ReadConsumptionBatch) -> list[tuple[str, Any]]:
        return [
            ("From", moment(row.transaction_start)),
            ("To, inclusive", moment(row.transaction_end)),
            ("Limits", "all" if row.limit_codes is None else ", ".join(row.limit_codes)),
            ("Format", row.format or "ndjson"),
            ("Compression", row.compression or "none"),
            ("Only entries since", moment(row.since_snapshot_at)),
            ("Snapshot", moment(row.snapshot_at)),
        ]

    def request_body(self, row: ReadConsumptionBatch) -> dict[str, Any]:
        body: dict[str, Any] = {
            "transactionStartDateTime": {"value": row.transaction_start.isoformat()},
            "transactionEndDateTime": {"value": row.transaction_end.isoformat()},
        }
        wanted = {"limitCodes": row.limit_codes, "format": row.format, "compression": row.compression}
        return body | {name: value for name, value in wanted.items() if value is not None}

    def post_path(self) -> str:
        return "readconsumptionbatches"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.start_view)
        return [path("start/", view, name="consumption_readconsumptionbatch_start"), *super().get_urls()]

    def start_view(self, request: HttpRequest) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return start.start_view(request, context)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        may_start = request.user.has_perm(start.MAY_START)
        return super().changelist_view(request, {**(extra_context or {}), "may_start": may_start})  # type: ignore[no-any-return]
