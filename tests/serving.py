"""A server that answers over real sockets, and a worker beside it, both in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections

from jobs.models import Task
from jobs.running import run_task


def _nothing() -> None:
    """Nothing else to do."""


@contextmanager
def worker(also: Callable[[], object] = _nothing) -> Iterator[None]:
    """Runs whatever is pending, and `also`, until it is left."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            for task_id in Task.objects.filter(status="PENDING").values_list("pk", flat=True):
                run_task(task_id=task_id)
            also()
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
