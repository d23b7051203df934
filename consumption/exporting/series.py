"""Exports that continue each other: each takes what became visible since the last of its series that completed.

Which one that is, an attempt finds out when it begins, so a restart takes what is new by then. Of two attempts that
began at the same one only the first can complete: the series moves on in the transaction that ends the operation.
"""

from __future__ import annotations

from datetime import UTC, datetime

from consumption.models import ExportSeries, ReadConsumptionBatch
from jobs.errors import OperationFailed

# The end of a window without an end; a day short of the last date, for time zones ahead of UTC. An entry that the
# snapshot sees and the window leaves out would be in no export of the series.
OPEN_END = datetime(9999, 12, 30, tzinfo=UTC)

LOST = OperationFailed(
    "CON-FA-003",
    "The database was restored into another cluster since the last export of this series, so nobody can tell any more"
    " which entries are new.",
    "A restart will not help; let the series begin anew.",
)
OVERTAKEN = OperationFailed(
    "CON-FA-004",
    "Another export of the same series was faster, so this one would bring entries twice.",
    "A restart helps: it brings what is new since then.",
)


def join(batch: ReadConsumptionBatch) -> None:
    """Sets on the batch which snapshot it continues from. Raises OperationFailed when that was lost."""
    if batch.series_id is None:
        return
    series = ExportSeries.objects.get(pk=batch.series_id)
    if series.is_lost:
        raise LOST
    batch.since_snapshot, batch.since_snapshot_at = series.snapshot, series.snapshot_at


def advance(batch: ReadConsumptionBatch, snapshot: str, snapshot_at: datetime) -> None:
    """The series goes on from here; in the transaction that ends the operation. Raises OperationFailed when the series
    is not where the batch began."""
    if batch.series_id is None:
        return
    stands = ExportSeries.objects.filter(pk=batch.series_id).at(batch.since_snapshot_at)
    if not stands.update(snapshot=snapshot, snapshot_at=snapshot_at):
        raise OVERTAKEN
