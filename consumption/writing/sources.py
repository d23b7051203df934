"""The rows of an input file, piece by piece: NDJSON or CSV, plain or compressed, of any size."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from django.conf import settings

from consumption.writing import cells
from hypermedia.errors import DomainError, Malformed

ROWS = 20_000  # in one piece
BYTES = 8 << 20  # of text in one piece
BUFFER = 1 << 18
_SMALL = 1 << 20  # bytes that a file may become, however small it is
NDJSON, CSV = "ndjson", "csv"
_GZIP, _ZSTD, _MARK = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"


@dataclass
class Piece:
    """Some rows of a file in the order of their lines, as JSON; and the lines that are none at all."""

    lines: list[int] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    unreadable: list[tuple[int, DomainError]] = field(default_factory=list)
    size: int = 0

    @property
    def count(self) -> int:
        return len(self.lines) + len(self.unreadable)

    def add(self, line: int, content: str | DomainError) -> None:
        if isinstance(content, DomainError):
            self.unreadable.append((line, content))
        else:
            self.lines.append(line)
            self.contents.append(content)
            self.size += len(content)

    @property
    def is_full(self) -> bool:
        return self.count >= ROWS or self.size >= BYTES


class Counted(io.RawIOBase):
    """Blocks of bytes as a file; knows how many of them were read."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self.read_bytes = 0
        self._blocks = iter(blocks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = block
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        self.read_bytes += len(part)
        return len(part)


class Unpacked(io.RawIOBase):
    """What a compressed file becomes. Raises Malformed when it grows like a bomb: some megabytes that become a disk
    full of refused rows."""

    def __init__(self, inner: io.BufferedIOBase, packed: Counted) -> None:
        self._inner, self._packed, self._given = inner, packed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self._inner.readinto(buffer)
        self._given += read
        if self._given > max(_SMALL, settings.UNZIP_RATIO * self._packed.read_bytes):
            raise Malformed(f"it grows to more than {settings.UNZIP_RATIO} times its size, which is taken for a bomb.")
        return read


class Lines:
    """The lines of a text for a reader of CSV, which would take a line, or a record over many lines, of any length."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._longest, self._of_record = text, settings.DATA_UPLOAD_MAX_MEMORY_SIZE, 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._longest + 1)
        self._of_record += len(line)
        if self._of_record > self._longest:
            raise Malformed(f"a record is longer than {self._longest} characters.")
        if not line:
            raise StopIteration
        return line

    def next_record(self) -> None:
        self._of_record = 0


def pieces(raw: Counted) -> Iterator[Piece]:
    """The rows of a file. Raises Malformed when it cannot be read any further: broken compression, no header."""
    try:
        content = _plain(io.BufferedReader(raw, BUFFER), raw)
        rows = _json_lines(content) if _looks_like(content) == NDJSON else _csv_records(content)
        yield from _in_pieces(rows)
    except _compression_errors() as error:
        raise Malformed(f"The file's compression is broken: {error}.") from error


def _in_pieces(rows: Iterable[tuple[int, str | DomainError]]) -> Iterator[Piece]:
    piece = Piece()
    for row in rows:
        piece.add(*row)
        if piece.is_full:
            yield piece
            piece = Piece()
    if piece.count:
        yield piece


def _plain(packed: io.BufferedReader, raw: Counted) -> io.BufferedReader:
    """The content without its compression, which its first bytes tell."""
    head = packed.peek(4)
    if head.startswith(_GZIP):
        return io.BufferedReader(Unpacked(gzip.GzipFile(fileobj=packed), raw), BUFFER)
    if head.startswith(_ZSTD):
        return io.BufferedReader(Unpacked(_unpacked_zstd(packed), raw), BUFFER)
    return packed


def _unpacked_zstd(packed: IO[bytes]) -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise Malformed("Files in zstd cannot be read here: the package zstandard is not installed.") from error
    return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)


def _compression_errors() -> tuple[type[Exception], ...]:
    known = (EOFError, gzip.BadGzipFile, zlib.error)
    try:
        import zstandard
    except ImportError:
        return known
    return (*known, zstandard.ZstdError)


def _looks_like(content: io.BufferedReader) -> str:
    """Rows of JSON begin with a brace, whatever the file is called; anything else has to be CSV."""
    head = content.peek(BUFFER).removeprefix(_MARK).lstrip()
    return NDJSON if not head or head[:1] in b"{[" else CSV


def _json_lines(content: io.BufferedReader) -> Iterator[tuple[int, str | DomainError]]:
    longest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    line = 0
    while text := content.readline(longest + 1):
        line += 1
        if len(text) > longest:
            _skip_line(content, text)
            yield line, Malformed(f"The line is longer than {longest} bytes.")
        elif stripped := (text.removeprefix(_MARK) if line == 1 else text).strip():
            yield line, _decoded(stripped)


def _skip_line(content: io.BufferedReader, text: bytes) -> None:
    while text and not text.endswith(b"\n"):
        text = content.readline(BUFFER)


def _decoded(text: bytes) -> str | DomainError:
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return Malformed(f"The line is not UTF-8 (byte {error.start}).")
    return Malformed("The line holds the character NUL.") if "\0" in decoded else decoded


def _csv_records(content: io.BufferedReader) -> Iterator[tuple[int, str | DomainError]]:
    """Each record under the line that it begins on; a record can span several."""
    csv.field_size_limit(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    text = io.TextIOWrapper(content, encoding="utf-8-sig", errors="surrogateescape", newline="")
    lines = Lines(text)
    reader = csv.reader(lines, strict=True)
    columns = cells.columns(next(reader, []))
    begins = reader.line_num + 1
    while True:
        lines.next_record()
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Malformed(f"Line {begins} is no CSV: {error}.") from error
        if record:
            yield begins, cells.row(columns, record)
        begins = reader.line_num + 1
