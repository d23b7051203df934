"""The files of an export while they are written: as many as the row limit asks for, compressed as they grow."""

from __future__ import annotations

import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol

import zstandard
from django.conf import settings
from isal import isal_zlib

from consumption.exporting import columns, formats
from consumption.exporting.copying import Block
from consumption.exporting.formats import Format, Section
from consumption.models import Compression, ExportFormat
from datafiles import storage
from datafiles.services import Content
from datafiles.storage import Published, Staged, StorageError


class Encoder(Protocol):
    """Turns blocks of rows into the bytes of one file."""

    def write(self, block: Block) -> None: ...
    def close(self) -> None: ...


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class Plain:
    """No compression."""

    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def compressor(name: str) -> Compressor:
    """The fast ones: the lines of an export repeat themselves, so a harder search for repetitions gains little.
    Neither writes a time or a name into its header."""
    if name == Compression.GZIP:
        gzip: Compressor = isal_zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
        return gzip
    if name == Compression.ZSTD:
        return zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
    return Plain()


class TextFile:
    """Blocks as they come, below a header where the format has one."""

    def __init__(self, staged: Staged, compression: str, header: bytes) -> None:
        self._staged = staged
        self._compressor = compressor(compression)
        self._pass_on(self._compressor.compress(header))

    def write(self, block: Block) -> None:
        self._pass_on(self._compressor.compress(block.data))

    def close(self) -> None:
        self._pass_on(self._compressor.flush())

    def _pass_on(self, data: bytes) -> None:
        if data:
            self._staged.write(data)


@dataclass
class ExportFile:
    """One file of a section; `rows` so far."""

    section: Section
    staged: Staged
    encoder: Encoder
    rows: int = 0


@dataclass
class ExportFiles:
    """Use it in the block of `stack`, at whose end files go that were not published."""

    stack: ExitStack
    format_name: str
    compression: str
    files: list[ExportFile] = field(default_factory=list)

    @property
    def format(self) -> Format:
        return formats.FORMATS[self.format_name]

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    def begin(self, section: Section) -> None:
        """The next rows are of this section."""
        staged = self.stack.enter_context(storage.stage())
        self.files.append(ExportFile(section, staged, self._encoder(section, staged)))

    def room(self) -> int:
        """How many rows the next block may have; a full file gives way to a new one."""
        if self.files[-1].rows >= settings.EXPORT_FILE_ROWS:
            self.files[-1].encoder.close()
            self.begin(self.files[-1].section)
        most: int = settings.EXPORT_FILE_ROWS
        return most - self.files[-1].rows

    def write(self, block: Block) -> None:
        self.files[-1].encoder.write(block)
        self.files[-1].rows += block.rows

    def end(self) -> None:
        """No more rows of this section."""
        self.files[-1].encoder.close()

    def publish(self) -> list[Content]:
        """All of them or none. Raises StorageError."""
        contents: list[Content] = []
        try:
            for file in self.files:
                published = file.staged.publish(row_count=file.rows)
                contents.append(Content(published, self._description(file), *self._media_types()))
        except BaseException:
            discard([content.published for content in contents])
            raise
        return contents

    def _encoder(self, section: Section, staged: Staged) -> Encoder:
        if self.format_name == ExportFormat.PARQUET:
            from consumption.exporting.parquet import (
                ParquetFile,  # the extra may be missing, and loading it takes memory
            )

            return ParquetFile(staged, self.compression, section.columns)
        header = columns.header(section.columns).encode() + self.format.layout.end
        return TextFile(staged, self.compression, header if self.format.has_header else b"")

    def _description(self, file: ExportFile) -> str:
        """`Consumptions`, or `Consumptions (2 of 3)`."""
        parts = [other for other in self.files if other.section is file.section]
        return file.section.description + (f" ({parts.index(file) + 1} of {len(parts)})" if len(parts) > 1 else "")

    def _media_types(self) -> tuple[str, str]:
        """Of the file, and of what it holds when it is a compressed one. Parquet is compressed inside."""
        compressed = formats.COMPRESSED.get(Compression(self.compression))
        if compressed is None or self.format_name == ExportFormat.PARQUET:
            return self.format.media_type, ""
        return compressed, self.format.media_type


def discard(published: list[Published]) -> None:
    """Removes files that no row will know; what even that cannot remove is left to the janitor."""
    for one in published:
        try:
            storage.delete(one.key)
        except StorageError:
            continue
