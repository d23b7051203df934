"""Which rows there are. Imported once Django is set up."""

from __future__ import annotations

from benchmarks import deliveries, download, export, imports, lists, operations, queue, web
from benchmarks.rows import Row

ROWS: list[Row] = [
    *(*export.ROWS, *imports.ROWS, *download.ROWS),
    *(*web.ROWS, *lists.ROWS, *queue.ROWS, *operations.ROWS, *deliveries.ROWS),
]
