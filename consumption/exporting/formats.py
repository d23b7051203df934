"""What each format is made of: its sections, and for each the statement, the media type and how rows become bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

from psycopg.sql import Composed

from consumption.exporting import columns, copying, lines
from consumption.exporting.columns import Column
from consumption.exporting.copying import Layout
from consumption.exports import Window
from consumption.models import Compression, ExportFormat
from datafiles.media import CSV, GZIP, NDJSON, PARQUET, ZSTD

COMPRESSED = {Compression.GZIP: GZIP, Compression.ZSTD: ZSTD}


@dataclass(frozen=True)
class Section:
    """Rows that go into files of their own: how these are described, and the COPY statements that bring the rows."""

    description: str
    statements: Sequence[Composed] = ()
    columns: Sequence[Column] = ()


@dataclass(frozen=True)
class Format:
    """`layout` says how rows come, and what ends them in a text file; `of_lines`: they are those of `lines`."""

    media_type: str
    sections: Callable[[Window], Sequence[Section]]
    layout: Layout
    has_header: bool = False
    of_lines: bool = False


LINES = Section("Export of counters and consumptions")


def _ndjson(window: Window) -> Sequence[Section]:
    statements = [lines.as_binary(make(window)) for make in (lines.counter_lines, lines.consumption_lines)]
    return [replace(LINES, statements=statements)]


def _tables(window: Window, *, escaped: bool) -> Sequence[Section]:
    return [
        Section("Counters", [columns.as_csv(columns.counter_cells(window, escaped=escaped))], columns.COUNTERS),
        Section(
            "Consumptions", [columns.as_csv(columns.consumption_cells(window, escaped=escaped))], columns.CONSUMPTIONS
        ),
    ]


FORMATS: dict[str, Format] = {
    ExportFormat.NDJSON: Format(NDJSON, _ndjson, copying.BINARY, of_lines=True),
    ExportFormat.CSV: Format(
        CSV, lambda window: _tables(window, escaped=True), replace(copying.CSV, end=b"\r\n"), has_header=True
    ),
    ExportFormat.PARQUET: Format(PARQUET, lambda window: _tables(window, escaped=False), copying.CSV),
}


def is_available(name: str) -> bool:
    """Whether this installation can write the format: Parquet needs the extra `parquet`."""
    return name != ExportFormat.PARQUET or find_spec("pyarrow") is not None
