"""The write batch: a long-running operation that brings the files of a data file set into the ledger.

Pieces of a file are written in transactions of their own, so what a stopped attempt has written stays, and the next one
finds it there already. The input set is locked from the request to the end, whatever the end is; between an end and a
restart it is free, and the new attempt locks it again.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from psycopg import Connection

from consumption import ledger, staging
from consumption.models import WriteConsumptionBatch
from consumption.rows import Catalogue
from consumption.settling import Refused
from consumption.writing import applying, sources
from consumption.writing.ahead import in_turn
from consumption.writing.applying import Prepared
from datafiles import media, storage
from datafiles.errors import SetLocked
from datafiles.models import DataFile, DataFileSet
from datafiles.services import Content, refuse_unchangeable, store_set
from datafiles.storage import Blocks, Published, Staged, StorageError
from hypermedia.errors import Malformed
from hypermedia.failpoints import hit
from jobs import registry
from jobs import services as jobs
from jobs.errors import LeaseLost, OperationFailed
from jobs.models import Task
from jobs.registry import LongRunningOperation
from jobs.running import Result, Run
from jobs.signals import operation_ended

# Held until the commit that follows at once: nobody cancels or takes over in between.
_FENCE = "SELECT FROM jobs_task WHERE id = %s AND epoch = %s AND status = 'PROCESSING' FOR SHARE"
_COUNT = "UPDATE consumption_writeconsumptionbatch SET rows_applied = rows_applied + %s WHERE id = %s"


@transaction.atomic
def start(*, user_id: int, set_id: int) -> WriteConsumptionBatch:
    """Stores a write batch and its task, and locks the set. Raises SetLocked when an operation owns it already, Gone
    when it was deleted."""
    free = DataFileSet.objects.filter(pk=set_id, locked=False, deleted_at=None)
    if not _set_lock(free, True):
        input_set = DataFileSet.objects.get(pk=set_id)
        refuse_unchangeable(input_set)
        raise SetLocked(input_set.code)  # it was, a moment ago
    batch = WriteConsumptionBatch(input_set_id=set_id, holds_set=True)
    jobs.start(operation=batch, user_id=user_id)
    return batch


@dataclass
class Counts:
    """Of this attempt."""

    read: int = 0
    rejected: int = 0
    rules: int = 0


def write(run: Run) -> Result:
    """Writes every file of the set, in the order of their ids, and lists the rows that break a rule."""
    batch = cast(WriteConsumptionBatch, run.operation)
    _hold_set(run, batch)
    counts = Counts()
    try:
        with _places(run) as places, storage.stage() as staged:
            for data_file in batch.input_set.data_files.order_by("id"):
                _write_file(run, places, data_file, staged, counts)
            published = staged.publish(row_count=counts.rules)
    except StorageError as error:
        raise OperationFailed("DAT-FA-001", error.what, error.advice) from error
    return Result(partial(_record, batch, counts, published), partial(storage.delete, published.key), rows=counts.read)


def _hold_set(run: Run, batch: WriteConsumptionBatch) -> None:
    """Locks the set again after a restart. Raises OperationFailed when another operation has it by now."""
    with transaction.atomic():
        if not Task.objects.held(run.task.pk, run.task.epoch).select_for_update().exists():
            raise LeaseLost
        if WriteConsumptionBatch.objects.filter(pk=batch.pk, holds_set=True).exists():
            return
        if DataFileSet.objects.select_for_update().get(pk=batch.input_set_id).locked:
            raise OperationFailed(
                "CON-FA-012",
                "Another operation has locked the data file set since this one ended.",
                "A restart helps once that one has ended.",
            )
        _set_lock(DataFileSet.objects.filter(pk=batch.input_set_id), True)
        WriteConsumptionBatch.objects.filter(pk=batch.pk).update(holds_set=True)


@contextmanager
def _places(run: Run) -> Iterator[list[Connection[Any]]]:
    """Two connections with staging tables: one prepares a piece while the other one writes the piece before."""
    with ExitStack() as stack:
        connections = [stack.enter_context(run.connect()) for _ in range(2)]
        for connection in connections:
            staging.take_lines(connection)
            stack.enter_context(staging.table(connection))
        yield connections


def _write_file(run: Run, places: list[Connection[Any]], data_file: DataFile, staged: Staged, counts: Counts) -> None:
    if not data_file.has_content or data_file.storage_key is None or data_file.content_length is None:
        raise _unreadable(data_file, "its content was removed.")
    size, input_file = data_file.content_length, ledger.file_of(data_file.sha256)
    assert input_file is not None
    blocks = storage.open_range(data_file.storage_key, 0, size)
    before_commit = partial(_let_commit, run)
    with closing(blocks), closing(_prepared(blocks, places, input_file)) as coming:
        try:
            for prepared, read_bytes in coming:
                applied = applying.apply(prepared, before_commit)
                _list(staged, data_file.code, applied.refused, counts)
                counts.read += prepared.piece.count
                hit("import.chunk")
                run.progress(counts.read, _expected(size, read_bytes, counts.read))
        except Malformed as error:
            raise _unreadable(data_file, str(error)) from error


def _prepared(blocks: Blocks, places: list[Connection[Any]], input_file: int) -> Generator[tuple[Prepared, int]]:
    """The pieces of a file, each with the bytes that were read until its end."""
    raw = sources.Counted(blocks)
    pieces = sources.pieces(raw)

    def take(connection: Connection[Any], catalogue: Catalogue) -> tuple[Prepared, int] | None:
        if (piece := next(pieces, None)) is None:
            return None
        return applying.prepare(connection, piece, input_file=input_file, catalogue=catalogue), raw.read_bytes

    # The thread has no connection of Django's; so the limits are read here, anew for each piece.
    return in_turn(places, lambda connection: partial(take, connection, Catalogue.current()))


def _unreadable(data_file: DataFile, why: str) -> OperationFailed:
    return OperationFailed(
        "CON-FA-011",
        f"The file {data_file.code} cannot be read to its end: {why}",
        "A restart will not help. Mend the file and start another batch: rows that were written already are not written"
        " again.",
    )


def _let_commit(run: Run, connection: Connection[Any], written: int) -> None:
    """The last statements of each piece's transaction. Raises LeaseLost when the work is no longer ours."""
    if connection.execute(_FENCE, [run.task.pk, run.task.epoch]).fetchone() is None:
        raise LeaseLost
    connection.execute(_COUNT, [written, run.operation.pk])
    hit("import.commit")


def _list(staged: Staged, file_code: str, refused: list[Refused], counts: Counts) -> None:
    """One line a broken rule: `{"dataFile", "line", "code", "text", "pointer"?}`."""
    in_order = sorted(refused, key=lambda each: each.line)
    lines = [{"dataFile": file_code, "line": line, **message.document()} for line, message in in_order]
    if lines:
        staged.write("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode())
    counts.rules += len(lines)
    counts.rejected += len({each.line for each in refused})


def _expected(size: int, read_bytes: int, read: int) -> int:
    """How many rows there may be, by what a byte has brought so far; the first guess is the one that stays."""
    return max(read, round(read * size / max(1, read_bytes)))


def _record(batch: WriteConsumptionBatch, counts: Counts, published: Published) -> dict[str, Any]:
    content = Content(published, "Rows that were refused, with the rules that they break", media.NDJSON)
    result = store_set(owner_id=batch.created_by_id, description=f"Refused by import {batch.pk}", contents=[content])
    return {"data_file_set": result, "rows_read": counts.read, "rows_rejected": counts.rejected}


def _set_lock(sets: QuerySet[DataFileSet], locked: bool) -> int:
    return sets.update(locked=locked, version=F("version") + 1, last_updated_date=Now())


def release_set(*, operation: LongRunningOperation, task_id: int, **_: Any) -> None:
    """Whatever the end is, the set is free after it; in the transaction that ends the operation."""
    if operation.code != WRITE_CONSUMPTION_BATCH.code:
        return
    batch = WriteConsumptionBatch.objects.get(task_id=task_id)
    if WriteConsumptionBatch.objects.filter(pk=batch.pk, holds_set=True).update(holds_set=False):
        _set_lock(DataFileSet.objects.filter(pk=batch.input_set_id), False)


WRITE_CONSUMPTION_BATCH = LongRunningOperation(
    code="WriteConsumptionBatch",
    description="Import of consumptions from files",
    model=WriteConsumptionBatch,
    path="generic/writeconsumptionbatches/{id}",
    run=write,
    in_vain=frozenset({"CON-FA-011"}),
)
registry.register(WRITE_CONSUMPTION_BATCH)
operation_ended.connect(release_set, dispatch_uid="consumption.writing.release_set")
