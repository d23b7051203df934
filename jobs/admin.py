"""Tasks, their attempts and messages in the console; restart and cancel go through the services."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from audit.console.actions import ActingAdmin
from hypermedia.console import LiveListMixin, PageMixin, Panel, ReadOnlyAdmin, facts, live
from hypermedia.finding import ExactSearchMixin
from hypermedia.narrowing import PeriodFilter, ReadByPeriod, UserFilter
from hypermedia.showing import ago, anchor, joined, moment
from jobs.console import appearance
from jobs.console.actions import acknowledge_action, cancel_action, restart_action
from jobs.console.filters import TaskFailures
from jobs.models import InterfacedMessage, Task


def _itself(task: Task) -> Task:
    return task


@admin.register(Task)
class TaskAdmin(ReadByPeriod, ExactSearchMixin, LiveListMixin, PageMixin, ActingAdmin):
    """Every piece of work of every type."""

    list_display = ("id", "operation", "chip", "progress", "rows", "attempt", "age", "created_by", "thread_code")
    live_columns = ("chip", "progress", "rows", "attempt")
    quiet_seconds = 10
    list_filter = ("status", TaskFailures, "task_type", PeriodFilter, UserFilter)
    list_select_related = ("task_type", "created_by")
    ordering = ("-id",)
    search_fields = ("id", "subject_id")
    search_help_text = "Id of the task, or of its operation"
    named_actions = (restart_action(_itself), acknowledge_action(_itself), cancel_action(_itself))

    def is_live(self, row: Task) -> bool:
        return appearance.is_underway(row)

    @live("status")
    def chip(self, task: Task) -> Any:
        return appearance.task_chip(task)

    @live("progress")
    def progress(self, task: Task) -> Any:
        return appearance.progress(task)

    @live("rows")
    def rows(self, task: Task) -> Any:
        return appearance.rows(task)

    @live("attempt")
    def attempt(self, task: Task) -> Any:
        return appearance.attempt_number(task)

    @admin.display(description="operation")
    def operation(self, task: Task) -> Any:
        return subject_link(task)

    @admin.display(description="age", ordering="id")
    def age(self, task: Task) -> Any:
        return ago(task.creation_date)

    def headline(self, row: Task) -> Any:
        progress = appearance.progress(row) if appearance.is_underway(row) else ""
        return joined(appearance.task_chip(row), appearance.let_be_chip(row), progress)

    def panels(self, request: HttpRequest, row: Task) -> list[Panel]:
        said = appearance.messages_of(row.pk)
        failure = appearance.failure(row, said)
        return [
            *([failure] if failure else []),
            facts("task", "Task", self._what(row)),
            facts("state", "State", self._state(row)),
            appearance.attempts_panel(appearance.attempts_of(row.pk)),
            appearance.messages_panel(said),
        ]

    def _what(self, task: Task) -> list[tuple[str, Any]]:
        return [
            ("Type", task.task_type.description),
            ("Operation", subject_link(task)),
            ("Asked for by", task.created_by),
            ("Asked for", moment(task.creation_date)),
            ("Last change", moment(task.last_updated_date)),
        ]

    def _state(self, task: Task) -> list[tuple[str, Any]]:
        return [
            ("Rows", appearance.rows(task)),
            ("Attempt", appearance.attempt_number(task)),
            ("Last thread", task.thread_code),
            ("Lease until", moment(task.lease_expires_at)),
            ("Version", task.version),
        ]


def subject_link(task: Task) -> Any:
    """The operation's page, where there is one."""
    try:
        meta = task.operation.model._meta
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[task.subject_id])
    except (KeyError, NoReverseMatch):  # a type that only another version knows, or without a page
        return f"{task.task_type.code} {task.subject_id}"
    return anchor(address, f"{meta.verbose_name} {task.subject_id}")


@admin.register(InterfacedMessage)
class InterfacedMessageAdmin(ReadByPeriod, ExactSearchMixin, PageMixin, ReadOnlyAdmin):
    """What was said about each operation."""

    list_display = ("id", "task_page", "last_message", "when")
    list_filter = (PeriodFilter,)
    list_select_related = ("task",)
    ordering = ("-id",)
    search_fields = ("id", "task")
    search_help_text = "Id of the messages, or of their task"

    def get_queryset(self, request: HttpRequest) -> QuerySet[InterfacedMessage]:
        return super().get_queryset(request).prefetch_related("messages")  # type: ignore[no-any-return]

    @admin.display(description="task")
    def task_page(self, held: InterfacedMessage) -> Any:
        return appearance.task_link(held.task_id)

    @admin.display(description="last message")
    def last_message(self, held: InterfacedMessage) -> str:
        lines = list(held.messages.all())
        return lines[-1].text if lines else "nothing was said"

    @admin.display(description="last change", ordering="id")
    def when(self, held: InterfacedMessage) -> Any:
        return moment(held.last_updated_date)

    def panels(self, request: HttpRequest, row: InterfacedMessage) -> list[Panel]:
        return [
            facts("about", "About", [("Task", appearance.task_link(row.task_id))], wide=True),
            appearance.messages_panel(appearance.messages_of(row.task_id)),
        ]
