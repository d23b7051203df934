"""How tasks look in the console, on their own pages and on those of their operations."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_celery_results.models import TaskResult

from hypermedia.console import Panel, table
from hypermedia.showing import NOTHING, Tone, anchor, bar, chip, code, duration, moment, number
from jobs import registry
from jobs.models import Message, Task, TaskAttempt
from jobs.serializers import progress_document
from jobs.states import OperationStatus, TaskStatus

TASK_TONES = {
    TaskStatus.PENDING: Tone.WAITING,
    TaskStatus.PROCESSING: Tone.BUSY,
    TaskStatus.COMPLETED: Tone.GOOD,
    TaskStatus.ERRORED: Tone.BAD,
    TaskStatus.CANCELLED: Tone.QUIET,
}
OPERATION_TONES = {
    OperationStatus.IN_PROGRESS: Tone.BUSY,
    OperationStatus.COMPLETED: Tone.GOOD,
    OperationStatus.FAILED: Tone.BAD,
    OperationStatus.CANCELLED: Tone.QUIET,
}
OUTCOME_TONES = {
    TaskAttempt.Outcome.COMPLETED: Tone.GOOD,
    TaskAttempt.Outcome.FAILED: Tone.BAD,
    TaskAttempt.Outcome.LOST: Tone.WAITING,
}
SHOWN = 200  # attempts and messages on one page


def task_chip(task: Task) -> SafeString:
    return chip(task.status, TASK_TONES[TaskStatus(task.status)])


def let_be_chip(task: Task) -> SafeString | str:
    is_let_be = task.acknowledged and task.status == TaskStatus.ERRORED
    return chip("let be", Tone.QUIET) if is_let_be else ""


def is_underway(task: Task) -> bool:
    return task.status in {TaskStatus.PENDING, TaskStatus.PROCESSING}


def progress(task: Task) -> SafeString | str:
    """A bar while a worker is at it; a word otherwise."""
    if task.status == TaskStatus.PENDING:
        return "waits"
    if task.status != TaskStatus.PROCESSING:
        return NOTHING
    document = progress_document(task.rows_written, task.rows_expected)
    return bar(document.get("percent"), f"progress of task {task.pk}")


def rows(task: Task) -> str:
    if is_underway(task) and task.rows_expected:
        return f"{number(task.rows_written)} of about {number(task.rows_expected)}"
    return number(task.rows_written)


def attempt_number(task: Task) -> str:
    """`2`, and after restarts `2 (restarted 1×)`."""
    restarts = f" (restarted {task.restart_count}×)" if task.restart_count else ""
    return f"{task.attempt_count}{restarts}"


def task_link(task_id: int) -> SafeString:
    return anchor(reverse("admin:jobs_task_change", args=[task_id]), f"task {task_id}")


def messages_of(task_id: int) -> list[Message]:
    """Everything that was said, the oldest first."""
    return list(Message.objects.filter(interfaced_message__task_id=task_id).order_by("pk")[:SHOWN])


def is_in_vain(task_type: str, code: str) -> bool:
    """Whether a restart of an operation of this type, after this message, would only fail again."""
    try:
        return code in registry.get(task_type).in_vain
    except KeyError:  # a type that only another version knows
        return False


def failure(task: Task, said: list[Message]) -> Panel | None:
    """Why it failed, in plain words; the message says whether a restart helps."""
    fatal = next((one for one in reversed(said) if one.severity == Message.Severity.FATAL), None)
    if task.status != TaskStatus.ERRORED or fatal is None:
        return None
    known = {"message": fatal, "is_in_vain": is_in_vain(task.task_type.code, fatal.code)}
    return Panel("failure", "Why it failed", "console/failure.html", known)


def messages_panel(said: list[Message]) -> Panel:
    lines: list[list[Any]] = [
        [moment(one.creation_date), chip(one.severity, _severity_tone(one)), code(one.code), one.text] for one in said
    ]
    return table("messages", "Messages", ["When", "Severity", "Code", "Text"], lines, empty="Nothing was said.")


def _severity_tone(message: Message) -> Tone:
    return Tone.BAD if message.severity == Message.Severity.FATAL else Tone.QUIET


def attempts_of(task_id: int) -> list[TaskAttempt]:
    return list(TaskAttempt.objects.filter(task_id=task_id).order_by("pk")[:SHOWN])


def outcome_chip(attempt: TaskAttempt) -> SafeString:
    if attempt.ended_at is None:
        return chip("running", Tone.BUSY)
    outcome = TaskAttempt.Outcome(attempt.outcome)
    return chip(outcome.label, OUTCOME_TONES.get(outcome, Tone.QUIET))


def attempts_panel(attempts: list[TaskAttempt]) -> Panel:
    """Each attempt with what Celery kept of it, and its stack trace folded away."""
    results = TaskResult.objects.filter(task_id__in=[one.celery_task_id for one in attempts if one.celery_task_id])
    status = dict(results.values_list("task_id", "status"))
    lines = [
        [
            number(index),
            outcome_chip(one),
            moment(one.started_at),
            duration(one.ended_at - one.started_at) if one.ended_at else "still running",
            one.owner,
            status.get(one.celery_task_id, NOTHING),
            _trace(one),
        ]
        for index, one in enumerate(attempts, start=1)
    ]
    headings = ["Attempt", "Outcome", "Started", "Lasted", "Worker", "Celery's result", "Stack trace"]
    return table("attempts", "Attempts", headings, lines, empty="No worker has tried yet.")


def _trace(attempt: TaskAttempt) -> SafeString | str:
    if not attempt.stack_trace:
        return NOTHING
    return format_html(
        '<details id="trace-{}"><summary>Show</summary><pre class="tp-pre">{}</pre></details>',
        attempt.pk,
        attempt.stack_trace,
    )
