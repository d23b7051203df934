"""A long-running operation that only the tests know. That it works shows that a new one needs no change in `jobs/`.

Its app is not installed; the fixture `toys` makes its table and registers it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, connections, models

from hypermedia.readers import Role
from jobs import registry, services
from jobs.models import Operation, Task, TaskType
from jobs.registry import LongRunningOperation
from jobs.running import Result, Run
from jobs.states import OPERATION_STATUS, TaskStatus
from tests.factories import UserFactory

RECORDED = 1000
Answer = TypeVar("Answer")
Everything = dict[str, list[tuple[Any, ...]]]


class Toy(Operation):
    """Counts to `goal`."""

    goal = models.IntegerField(default=3)

    class Meta:
        app_label = "toys"


def count(run: Run) -> Result:
    """What the toy does unless a test puts something else in `Toys.body`."""
    toy = run.operation
    assert isinstance(toy, Toy)
    for number in range(toy.goal):
        run.progress(number, toy.goal)
    return Result()


class Toys:
    """Starts toys and tells what became of them."""

    def __init__(self) -> None:
        self._rows: Any = Toy.objects
        self.body: Callable[[Run], Result] = count
        self.user = UserFactory.create(roles=[Role.CLIENT])
        self.kind = LongRunningOperation(
            code="Toy", description="A toy", model=Toy, path="generic/toys/{id}", run=self._run
        )

    def _run(self, run: Run) -> Result:
        return self.body(run)

    def start(self) -> Task:
        toy = services.start(operation=Toy(), user_id=self.user.pk)
        return self.task(toy.task_id)

    def in_status(self, status: TaskStatus, **values: Any) -> Task:
        """A toy whose rows say `status`, put there by hand."""
        task = self.start()
        defaults: dict[str, Any] = {"epoch": 1, "attempt_count": 1} if status != TaskStatus.PENDING else {}
        if status == TaskStatus.PROCESSING:
            defaults |= {"owner": "somebody", "lease_expires_at": models.functions.Now()}
            task.attempts.create(epoch=1, owner="somebody")
        Task.objects.filter(pk=task.pk).update(status=status, **defaults | values)
        Toy.objects.filter(task_id=task.pk).update(status=OPERATION_STATUS[status])
        return self.task(task.pk)

    def task(self, task_id: int) -> Task:
        return Task.objects.select_related("task_type").get(pk=task_id)

    def messages(self, task_id: int) -> list[tuple[str, str, str]]:
        """(severity, code, text), oldest first."""
        found = self.task(task_id).interfaced_message.messages
        return list(found.values_list("severity", "code", "text"))

    def record(self) -> dict[str, int]:
        """What a toy stores when it completes."""
        return {"goal": RECORDED}

    def store(self) -> None:
        """The same at once."""
        self._rows.update(**self.record())

    def recorded(self) -> bool:
        """Whether the one toy there is has stored it."""
        return bool(self._rows.get().goal == RECORDED)

    def check(self, task_id: int) -> None:
        """What always holds: the operation says what its task means, and only a running task has an open attempt."""
        task = self.task(task_id)
        toy = Toy.objects.get(task_id=task_id)
        assert toy.status == OPERATION_STATUS[TaskStatus(task.status)], (toy.status, task.status)
        open_attempts = task.attempts.filter(ended_at=None).count()
        assert open_attempts == (1 if task.status == TaskStatus.PROCESSING else 0), (open_attempts, task.status)
        assert task.attempts.filter(ended_at=None).exclude(epoch=task.epoch).count() == 0
        assert task.attempts.filter(ended_at__isnull=False, outcome="").count() == 0


@contextmanager
def installed() -> Iterator[Toys]:
    """The table, the registration and the task type of the toy. Whoever commits has to `remove` too."""
    with connection.schema_editor() as editor:
        editor.create_model(Toy)
    toys = Toys()
    registry.register(toys.kind)
    registry.store_task_types()
    try:
        yield toys
    finally:
        registry.unregister(toys.kind.code)
        ContentType.objects.clear_cache()  # it knows the row of a table that is no more


def remove() -> None:
    """Every row that toys leave behind, and their table."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE jobs_task, audit_entry, notifications_notificationevent, notifications_alarm CASCADE")
    with connection.schema_editor() as editor:
        editor.delete_model(Toy)
    TaskType.objects.filter(code="Toy").delete()
    ContentType.objects.filter(app_label="toys").delete()
    User.objects.all().delete()


def everything() -> Everything:
    """Every row that the engine keeps."""
    tables = ("jobs_task", "jobs_taskattempt", "jobs_interfacedmessage", "jobs_message", "toys_toy")
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            found[table] = cursor.fetchall()
    return found


def at_once(*do: Callable[[], Answer]) -> list[Answer | Exception]:
    """What each gives, or raises, in threads that start together, each with a connection of its own."""
    barrier = threading.Barrier(len(do))

    def one(call: Callable[[], Answer]) -> Answer | Exception:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(do)) as threads:
        return [future.result(timeout=120) for future in [threads.submit(one, call) for call in do]]
