"""The long-running operations of this app, and what a worker does for them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from typing import Any, cast

from django.conf import settings
from psycopg import Connection

from consumption import exports
from consumption.allowances import allowed_codes
from consumption.exporting import closing as closed_windows
from consumption.exporting import few, formats, reconciliation, series
from consumption.exporting.copying import Block, blocks
from consumption.exporting.files import ExportFiles, discard
from consumption.exporting.formats import is_available
from consumption.exporting.reconciliation import Total
from consumption.exports import ExportedLimit, Snapshot, Window
from consumption.models import Compression, ExportFormat, ReadConsumptionBatch
from datafiles.services import Content, store_set
from datafiles.storage import StorageError
from hypermedia.failpoints import hit
from jobs import registry
from jobs import services as jobs
from jobs.errors import OperationFailed
from jobs.registry import LongRunningOperation
from jobs.running import Result, Run

_WRITER_POLL_SECONDS = 0.1


def export(run: Run) -> Result:
    """Exports one batch: waits until its window is complete, then writes everything from one snapshot."""
    batch = cast(ReadConsumptionBatch, run.operation)
    _check_format(batch)
    series.join(batch)
    try:
        with ExitStack() as staged:
            files = ExportFiles(staged, batch.format or ExportFormat.NDJSON, batch.compression or Compression.NONE)
            with run.connect() as connection:
                wait_until_complete(run, connection, batch)
                with exports.reading(connection, settings.TIME_ZONE) as snapshot:
                    totals = _write(run, connection, batch, files)
            contents = files.publish()
    except StorageError as error:
        raise OperationFailed("DAT-FA-001", error.what, error.advice) from error
    return Result(
        partial(_record, batch, snapshot, contents, totals),
        partial(discard, [each.published for each in contents]),
        rows=sum(content.published.row_count or 0 for content in contents),
    )


def _check_format(batch: ReadConsumptionBatch) -> None:
    """The web server that took the request may have more installed than this worker."""
    if batch.format is not None and not is_available(batch.format):
        raise OperationFailed(
            "CON-FA-006",
            f"The format {batch.format} is not installed on the worker.",
            "A restart helps once an operator has installed it there; or request another format.",
        )


def wait_until_complete(run: Run, connection: Connection[Any], batch: ReadConsumptionBatch) -> None:
    """Waits for the writers that may still add to a window that is over. Raises OperationFailed, naming the first
    one that does not end in time. A window that ends in the future is complete up to its snapshot."""
    if not closed_windows.may_grow(connection, batch.transaction_end):
        return
    patience = settings.CLOSED_WINDOW_WAIT.total_seconds()
    deadline = time.monotonic() + patience
    waiting = closed_windows.writers(connection)
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
        waiting = closed_windows.writers(connection, among=waiting)


def _write(run: Run, connection: Connection[Any], batch: ReadConsumptionBatch, files: ExportFiles) -> list[Total]:
    """Counters first, then consumptions; what they come to."""
    codes = allowed_codes(batch.created_by_id, batch.limit_codes)
    limits = _limits(connection, batch, codes)
    window = Window(batch.transaction_start, batch.transaction_end, limits, batch.since_snapshot, every=codes is None)
    lines = few.read(connection, window) if files.format.of_lines else None
    if lines is not None:
        files.begin(formats.LINES)
        _pass_on(run, few.cut(lines, files.room), files, len(lines))
        files.end()
    else:
        _copy(run, connection, window, files)
    return reconciliation.read(connection, limits)


def _copy(run: Run, connection: Connection[Any], window: Window, files: ExportFiles) -> None:
    expected = exports.estimate(connection, window)
    run.progress(0, expected.rows)
    for section in files.format.sections(replace(window, wide=expected.wide)):
        files.begin(section)
        for statement in section.statements:
            # Closed at once when writing fails: the transaction cannot end while its COPY goes on.
            with closing(blocks(connection, statement, files.room, files.format.layout)) as copied:
                _pass_on(run, copied, files, expected.rows)
        files.end()


def _pass_on(run: Run, rows: Iterable[Block], files: ExportFiles, expected: int) -> None:
    for block in rows:
        files.write(block)
        hit("export.chunk")
        run.progress(files.rows, expected)


def _limits(
    connection: Connection[Any], batch: ReadConsumptionBatch, codes: Sequence[str] | None
) -> list[ExportedLimit]:
    limits = exports.find_limits(connection, codes)
    missing = sorted(set(batch.limit_codes or ()) - {limit.code for limit in limits})
    if missing:
        raise OperationFailed(
            "CON-FA-002",
            f"The limit {missing[0]} was removed, or taken from its requester's list, after the export was requested.",
            "A restart will not help; request an export without it.",
        )
    return limits


def _record(
    batch: ReadConsumptionBatch, snapshot: Snapshot, contents: Sequence[Content], totals: Sequence[Total]
) -> dict[str, Any]:
    data_file_set = store_set(
        owner_id=batch.created_by_id,
        description=f"Export {batch.pk}",
        contents=contents,
        snapshot_at=snapshot.taken_at,
        totals=[total.document() for total in totals],
    )
    series.advance(batch, snapshot.text, snapshot.taken_at)
    if text := reconciliation.warning(totals):
        jobs.say(batch.task_id, jobs.Severity.INFORMATIVE, "CON-IN-001", text)
    return {
        "data_file_set": data_file_set,
        "snapshot": snapshot.text,
        "snapshot_at": snapshot.taken_at,
        "since_snapshot": batch.since_snapshot,
        "since_snapshot_at": batch.since_snapshot_at,
    }


READ_CONSUMPTION_BATCH = LongRunningOperation(
    code="ReadConsumptionBatch",
    description="Export of consumptions and counters",
    model=ReadConsumptionBatch,
    path="generic/readconsumptionbatches/{id}",
    run=export,
    in_vain=frozenset({"CON-FA-002", series.LOST.code}),
)
registry.register(READ_CONSUMPTION_BATCH)
