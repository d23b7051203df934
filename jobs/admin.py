"""Tasks, their attempts and messages in the console; restart and cancel go through the services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from hypermedia.console import ReadOnlyAdmin, ReadOnlyInline
from jobs import services
from jobs.errors import WrongState
from jobs.models import InterfacedMessage, Message, Task, TaskAttempt
from jobs.states import TaskStatus

STATUS_COLOURS = {
    TaskStatus.PENDING: "info",
    TaskStatus.PROCESSING: "warning",
    TaskStatus.COMPLETED: "success",
    TaskStatus.ERRORED: "danger",
}


class AttemptInline(ReadOnlyInline):
    model = TaskAttempt
    fields = readonly_fields = ("epoch", "owner", "started_at", "ended_at", "outcome", "celery_task_id", "stack_trace")


class MessageInline(ReadOnlyInline):
    model = Message
    fields = readonly_fields = ("creation_date", "severity", "code", "text")


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "task_type",
        "chip",
        "subject_id",
        "attempt_count",
        "thread_code",
        "created_by",
        "creation_date",
    )
    list_filter = ("status", "task_type")
    list_select_related = ("task_type", "created_by")
    ordering = ("-id",)
    search_fields = ("=id", "=subject_id")
    actions = ("restart", "cancel")
    inlines = (AttemptInline,)

    @display(description="status", label=STATUS_COLOURS)
    def chip(self, task: Task) -> str:
        return task.status

    @admin.action(description="Restart", permissions=["restart"])
    def restart(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        self._each(request, queryset, services.restart, "restarted")

    @admin.action(description="Cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        self._each(request, queryset, services.cancel, "cancelled")

    def has_restart_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.restart_task")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.cancel_task")

    def _each(self, request: HttpRequest, tasks: QuerySet[Task], act: Callable[..., Any], done: str) -> None:
        """Does it to each selected task and says for each that refused why."""
        succeeded = 0
        for task_id in tasks.values_list("pk", flat=True)[:200]:
            try:
                act(task_id=task_id, user_id=request.user.pk)
                succeeded += 1
            except WrongState as error:
                self.message_user(request, f"Task {task_id}: {error}", messages.WARNING)
        if succeeded:
            self.message_user(request, f"{succeeded} tasks {done}.", messages.SUCCESS)


@admin.register(InterfacedMessage)
class InterfacedMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "task", "last_message", "last_updated_date")
    list_select_related = ("task",)
    ordering = ("-id",)
    search_fields = ("=id", "=task__id")
    inlines = (MessageInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[InterfacedMessage]:
        return super().get_queryset(request).prefetch_related("messages")  # type: ignore[no-any-return]

    @display(description="last message")
    def last_message(self, held: InterfacedMessage) -> str:
        lines = list(held.messages.all())
        return str(lines[-1]) if lines else "none"
