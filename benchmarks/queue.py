"""The queue of tasks: what a claim takes when many wait, in a transaction that is undone again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from django.db import connection, transaction

from benchmarks import export, ledgers
from benchmarks.rows import AtMost, Row, Side
from jobs import services

MANY, FEW = 1_000_000, 1_000
CLAIMS = 200
_FILL = """
    INSERT INTO jobs_task (created_by_id, last_updated_by_id, version, creation_date, last_updated_date, subject_id,
                           task_type_id, status, owner, thread_code, epoch, attempt_count, restart_count, rings,
                           rows_written)
         SELECT %(user)s, %(user)s, 1, now(), now(), n,
                (SELECT id FROM jobs_tasktype WHERE code = 'ReadConsumptionBatch'), 'PENDING', '', '', 0, 1, 0, 0, 0
           FROM generate_series(1, %(rows)s) AS n
"""


def fill(database: int, rows: int) -> list[int]:
    """So many waiting tasks in a database of their own; the ids of some, from all over the queue."""
    ledgers.use(database)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM jobs_task")
        there = cursor.fetchone()[0]
        if there < rows:
            cursor.execute(_FILL, {"user": export.owner(), "rows": rows - there})
            cursor.execute("VACUUM ANALYZE jobs_task")
        cursor.execute("SELECT id FROM jobs_task ORDER BY id")
        found = [row[0] for row in cursor.fetchall()]
    return found[:: max(1, len(found) // CLAIMS)]


def claim(task_id: int) -> float:
    """Milliseconds of one claim."""
    with transaction.atomic():
        began = time.perf_counter()
        claimed = services.claim(task_id=task_id, owner="bench", thread_code="bench", celery_task_id="")
        seconds = time.perf_counter() - began
        assert claimed is not None
        transaction.set_rollback(True)
    return seconds * 1e3


@contextmanager
def claims(size: int | None) -> Iterator[tuple[Side, Side]]:
    queues = {1: fill(1, size or MANY), 2: fill(2, FEW)}

    def side(database: int) -> float:
        ledgers.use(database)
        claim(queues[database][0])
        return median(claim(task_id) for task_id in queues[database])

    yield lambda: side(1), lambda: side(2)


ROWS = [Row("claim-depth", "claim of 10^6 waiting", "claim of 10^3", AtMost(1.5), "ms", claims, starred=True)]
