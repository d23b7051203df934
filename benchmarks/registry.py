"""Which rows there are. Imported once Django is set up."""

from __future__ import annotations

from benchmarks import export
from benchmarks.rows import Row

ROWS: list[Row] = [*export.ROWS]
