"""The long-running operations of this app, and what a worker does for them."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, cast

from django.conf import settings
from psycopg import Connection

from consumption import closing, exports, series
from consumption.allowances import allowed_codes
from consumption.exports import ExportedLimit, Snapshot, Window
from consumption.models import ReadConsumptionBatch
from datafiles import storage
from datafiles.services import Content, store_set
from datafiles.storage import Published, Staged, StorageError
from hypermedia.failpoints import hit
from jobs import registry
from jobs.errors import OperationFailed
from jobs.models import Task
from jobs.registry import LongRunningOperation
from jobs.running import Result, Run

NDJSON = "application/x-ndjson"
_WRITER_POLL_SECONDS = 0.1


def export(run: Run) -> Result:
    """Exports one batch: waits until its window is complete, then writes everything from one snapshot."""
    batch = cast(ReadConsumptionBatch, run.operation)
    series.join(batch)
    try:
        with run.connect() as connection:
            wait_until_complete(run, connection, batch)
            with storage.stage() as staged:
                with exports.reading(connection, settings.TIME_ZONE) as snapshot:
                    rows = _write(run, connection, batch, staged)
                published = staged.publish(row_count=rows)
    except StorageError as error:
        raise OperationFailed("DAT-FA-001", error.what, error.advice) from error
    return Result(partial(_record, batch, snapshot, published), partial(storage.delete, published.key))


def wait_until_complete(run: Run, connection: Connection[Any], batch: ReadConsumptionBatch) -> None:
    """Waits for the writers that may still add to a window that is over. Raises OperationFailed, naming the first
    one that does not end in time. A window that ends in the future is complete up to its snapshot."""
    if not closing.is_over(connection, batch.transaction_end):
        return
    patience = settings.CLOSED_WINDOW_WAIT.total_seconds()
    deadline = time.monotonic() + patience
    waiting = closing.writers(connection)
    while waiting:
        if time.monotonic() >= deadline:
            raise OperationFailed(
                "CON-FA-001",
                f"The period is over, but {waiting[0]} was still writing after {patience:g} seconds, "
                "so the export would not be complete.",
                "A restart helps once that transaction has ended.",
            )
        run.check()
        time.sleep(_WRITER_POLL_SECONDS)
        waiting = closing.writers(connection, among=waiting)


def _write(run: Run, connection: Connection[Any], batch: ReadConsumptionBatch, staged: Staged) -> int:
    """Counters first, then consumptions; the number of lines."""
    limits = _limits(connection, batch)
    window = Window(batch.transaction_start, batch.transaction_end, limits, batch.since_snapshot)
    expected = exports.estimate(connection, window)
    run.progress(0, expected)
    written = 0

    def seen(lines: int) -> None:
        nonlocal written
        written += lines
        hit("export.chunk")
        run.progress(written, expected)

    for statement in (exports.counter_lines(window), exports.consumption_lines(window)):
        exports.copy_lines(connection, statement, staged.write, seen)
    return written


def _limits(connection: Connection[Any], batch: ReadConsumptionBatch) -> list[ExportedLimit]:
    limits = exports.find_limits(connection, allowed_codes(batch.created_by_id, batch.limit_codes))
    missing = sorted(set(batch.limit_codes or ()) - {limit.code for limit in limits})
    if missing:
        raise OperationFailed(
            "CON-FA-002",
            f"The limit {missing[0]} was removed, or taken from its requester's list, after the export was requested.",
            "A restart will not help; request an export without it.",
        )
    return limits


def _record(batch: ReadConsumptionBatch, snapshot: Snapshot, published: Published) -> None:
    content = Content(published, "Export of counters and consumptions", NDJSON)
    data_file_set = store_set(owner_id=batch.created_by_id, description=f"Export {batch.pk}", contents=[content])
    # The renewals of the lease stored the progress only every other second.
    Task.objects.filter(pk=batch.task_id).update(rows_written=published.row_count)
    ReadConsumptionBatch.objects.filter(pk=batch.pk).update(
        data_file_set=data_file_set, snapshot=snapshot.text, snapshot_at=snapshot.taken_at
    )
    series.advance(batch, snapshot.text, snapshot.taken_at)


READ_CONSUMPTION_BATCH = LongRunningOperation(
    code="ReadConsumptionBatch",
    description="Export of consumptions and counters",
    model=ReadConsumptionBatch,
    path="generic/readconsumptionbatches/{id}",
    run=export,
)
registry.register(READ_CONSUMPTION_BATCH)
