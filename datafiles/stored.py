"""What every kind of storage shares: what was stored, why it refused, and a file being written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from hypermedia.failpoints import hit

BLOCK = 1 << 18  # bytes per read of a download: 4 KiB pieces cost six times as much


class StorageError(Exception):
    """The storage refused. `what` names the cause in plain words, `advice` what mends it."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what} {advice}")
        self.what = what
        self.advice = advice


class FileMissing(StorageError):
    """The database knows the file; the storage does not have it."""

    def __init__(self) -> None:
        super().__init__("The file cannot be read from the storage.", "Restore it from the backup, or export again.")


@dataclass(frozen=True)
class Published:
    """A file that is there: its key, its size in bytes, its SHA-256 in lower-case hex, its rows if it has any."""

    key: str
    content_length: int
    sha256: str
    row_count: int | None


class Staged:
    """A file being written. Counts and hashes every byte; `publish` makes it durable and gives it its name."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.content_length = 0
        self._hash = hashlib.sha256()

    def write(self, block: bytes) -> None:
        """Raises StorageError, naming the cause, when the storage cannot take the bytes."""
        self._store(block)
        self._hash.update(block)
        self.content_length += len(block)

    @property
    def sha256(self) -> str:
        """Of what was written so far."""
        return self._hash.hexdigest()

    def publish(self, *, row_count: int | None) -> Published:
        """Makes the file durable, checks its size and gives it its name. Raises StorageError."""
        self._publish()
        return Published(self.key, self.content_length, self.sha256, row_count)

    def _store(self, block: bytes) -> None:
        raise NotImplementedError

    def _publish(self) -> None:
        raise NotImplementedError

    def _check_size(self, size: int) -> None:
        if size != self.content_length:
            what = f"The file has {size} bytes; {self.content_length} were written."
            raise StorageError(what, "Check the disk; a restart can help then.")


class Blocks(Protocol):
    """The bytes of a range, block by block. Whoever stops before their end closes it."""

    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...
    def close(self) -> None: ...


class Store(Protocol):
    """One kind of storage. Each is a module with these functions."""

    def stage(self) -> AbstractContextManager[Staged]:
        """A new file under a temporary name; removed at the end of the block unless it was published."""

    def open_range(self, key: str, start: int, length: int) -> Blocks:
        """The bytes [start, start + length) in blocks. Raises FileMissing at once, not while they are read."""

    def reader(self, key: str) -> BinaryIO:
        """The file for reading at any place. Raises FileMissing."""

    def delete(self, key: str) -> None:
        """Removes the bytes; fine when they are gone already. Raises StorageError."""

    def older_than(self, seconds: float) -> Iterator[tuple[str, bool]]:
        """(key, is staged) of every file whose last write lies further back, for the janitor."""

    def problem(self) -> str:
        """Why nothing can be written at the moment; empty when it can."""

    def discard_staged(self, key: str) -> None:
        """Removes what an attempt left under a temporary name. Raises StorageError."""


class FileBlocks:
    """The next `length` bytes of an open file, block by block. Closes it at their end, or when it is told to."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        hit("download.block")
        block = self._file.read(min(BLOCK, self._left)) if self._left else b""
        self._left -= len(block)
        if not block:
            self.close()
            if self._left:
                raise StorageError("The file is shorter than it was.", "Restore it from the backup, or export again.")
            raise StopIteration
        return block

    def close(self) -> None:
        self._file.close()
