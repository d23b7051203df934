"""A Celery task that does nothing, for workers that are started with `--include=benchmarks.noop`.

It keeps its result as the tasks of operations do: the moment at which it ran.
"""

from __future__ import annotations

import time

from celery import shared_task


@shared_task(name="benchmarks.noop", ignore_result=False)
def noop() -> float:
    return time.time()
