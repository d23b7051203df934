"""`Prefer: wait=N`: an answer that waits for the end of an operation.

A waiting request holds its thread and nothing else: its database connection is closed meanwhile, and one thread of the
process looks for all of them, in one statement five times a second. At most half of the web server's threads wait, so
that the others go on answering; whoever finds no place is answered at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TypeVar

from django.conf import settings
from django.db import Error, connection
from django.http import HttpResponse
from rest_framework.request import Request

from hypermedia.preferences import preferred_wait
from hypermedia.views import ResourceView
from jobs.models import Task
from jobs.states import ACTIVE

logger = logging.getLogger(__name__)

APPLIED = "Preference-Applied"
_LOOK_SECONDS = 0.2

View = TypeVar("View", bound=ResourceView)
Post = Callable[[View, Request], HttpResponse]
Row = TypeVar("Row")


class Watch:
    """Who waits for which task. The looking thread lives as long as somebody waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, set[threading.Event]] = defaultdict(set)
        self._count = 0
        self._looking = False

    def wait(self, task_id: int, seconds: float) -> bool:
        """Returns when the task has ended, or after so many seconds; False, at once, when there is no place."""
        ended = threading.Event()
        with self._place(task_id, ended) as granted:
            if granted:
                _let_go_of_the_database()
                ended.wait(seconds)
        return granted

    @contextmanager
    def _place(self, task_id: int, ended: threading.Event) -> Iterator[bool]:
        with self._lock:
            granted = self._count < settings.WEB_THREADS // 2
            if granted:
                self._count += 1
                self._waiting[task_id].add(ended)
                self._look_from_now_on()
        try:
            yield granted
        finally:
            if granted:
                self._leave(task_id, ended)

    def _leave(self, task_id: int, ended: threading.Event) -> None:
        with self._lock:
            self._count -= 1
            self._waiting[task_id].discard(ended)
            if not self._waiting[task_id]:
                del self._waiting[task_id]

    def _look_from_now_on(self) -> None:
        if not self._looking:
            threading.Thread(target=self._look, name="waiting", daemon=True).start()
            self._looking = True

    def _look(self) -> None:
        try:
            while tasks := self._awaited():
                self._tell(tasks)
                time.sleep(_LOOK_SECONDS)
        finally:
            connection.close()

    def _awaited(self) -> list[int]:
        with self._lock:
            self._looking = bool(self._waiting)
            return list(self._waiting)

    def _tell(self, tasks: list[int]) -> None:
        try:
            over = list(Task.objects.filter(pk__in=tasks).exclude(status__in=ACTIVE).values_list("pk", flat=True))
        except Error as error:  # the waiting requests will see for themselves, once their time is over
            logger.warning("who waits cannot be told (%s)", type(error).__name__)
            connection.close()
            return
        with self._lock:
            for task_id in over:
                for ended in self._waiting.get(task_id, ()):
                    ended.set()


def _let_go_of_the_database() -> None:
    if not connection.in_atomic_block:
        connection.close()


watch = Watch()


def settled(view: ResourceView, find: Callable[[], Row], running: Callable[[Row], int | None]) -> Row:
    """The row, once nothing runs any more or the client's patience is over. `running` names the task that still does.

    The view's answer says `Preference-Applied` where the wish was granted (`granted`).
    """
    row = find()
    seconds = preferred_wait(view.request.META.get("HTTP_PREFER"))
    if seconds is None:
        return row
    task_id = running(row)
    if task_id is None:
        grant(view, seconds)
    elif watch.wait(task_id, seconds):
        grant(view, seconds)
        row = find()
    return row


def grant(view: ResourceView, seconds: int) -> None:
    view.headers[APPLIED] = f"wait={seconds}"


def until_ended(post: Post[View]) -> Post[View]:
    """For the `post` of a view that starts an operation: with `Prefer: wait`, its 201 comes when that has ended.

    Outside of `idempotent`, whose transaction has to be over before a worker sees the operation.
    """

    @wraps(post)
    def patient(view: View, request: Request) -> HttpResponse:
        response = post(view, request)
        seconds = preferred_wait(request.headers.get("Prefer"))
        if seconds is not None and response.status_code == 201 and watch.wait(_task_of(response), seconds):
            response[APPLIED] = f"wait={seconds}"
        return response

    return patient


def _task_of(response: HttpResponse) -> int:
    """The id of the task: where the neutral monitor of the new operation is."""
    return int(response["Operation-Location"].rpartition("/")[2])
