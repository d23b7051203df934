"""Parquet by pyarrow (the extra `parquet`): blocks of CSV in, row groups of a fixed size out. Imported when needed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from consumption.exporting.columns import Column, Kind
from consumption.exporting.copying import Block
from consumption.models import Compression
from datafiles.storage import Staged

GROUP = 100_000  # rows in memory at a time, and in a row group: the same rows give the same bytes
TYPES = {
    Kind.WHOLE: pa.int64(),
    Kind.TEXT: pa.string(),
    Kind.DECIMAL: pa.decimal128(20, 4),
    Kind.SUM: pa.decimal128(38, 4),
    Kind.DATE: pa.date32(),
    Kind.MOMENT: pa.timestamp("ms", tz="UTC"),
    Kind.FLAG: pa.bool_(),
}
CODECS: dict[Compression, dict[str, Any]] = {  # the fast ones: levels like those of the other formats
    Compression.NONE: {"compression": "NONE"},
    Compression.GZIP: {"compression": "GZIP", "compression_level": 1},
    Compression.ZSTD: {"compression": "ZSTD", "compression_level": 1},
}


class ParquetFile:
    """One file: typed columns, compressed inside."""

    def __init__(self, staged: Staged, compression: str, columns: Sequence[Column]) -> None:
        self._schema = pa.schema(
            [pa.field(column.name, TYPES[column.kind], nullable=not column.required) for column in columns]
        )
        self._reading = csv.ReadOptions(column_names=self._schema.names)
        self._parsing = csv.ParseOptions(newlines_in_values=True)
        self._converting = csv.ConvertOptions(
            column_types=self._schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        self._output = _Output(staged)
        self._writer = parquet.ParquetWriter(self._output, self._schema, **CODECS[Compression(compression)])
        self._waiting: list[pa.Table] = []
        self._rows = 0

    def write(self, block: Block) -> None:
        table = csv.read_csv(pa.BufferReader(block.data), self._reading, self._parsing, self._converting)
        self._waiting.append(table.cast(self._schema))
        self._rows += block.rows
        if self._rows >= GROUP:
            self._write_groups()

    def close(self) -> None:
        self._write_groups(all_of_it=True)
        self._writer.close()

    def _write_groups(self, all_of_it: bool = False) -> None:
        if not self._rows:
            return
        table = pa.concat_tables(self._waiting)
        whole = self._rows if all_of_it else self._rows - self._rows % GROUP
        self._writer.write_table(table.slice(0, whole), row_group_size=GROUP)
        rest = table.slice(whole)
        self._waiting, self._rows = [rest] if rest.num_rows else [], rest.num_rows


class _Output(io.RawIOBase):
    """What pyarrow writes to. It never goes back."""

    def __init__(self, staged: Staged) -> None:
        super().__init__()
        self._staged = staged

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._staged.content_length

    def write(self, data: Any) -> int:
        block = bytes(data)
        self._staged.write(block)
        return len(block)
