"""Where the bytes are: staged under a temporary name, published by a rename, opened by range, deleted.

A file is visible whole or not at all. Keys are made here; nothing a client sends ever becomes a path.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from django.conf import settings

from hypermedia.failpoints import hit

BLOCK = 1 << 18  # bytes per read of a download: 4 KiB pieces cost six times as much
_STAGED = ".part"


class StorageError(Exception):
    """The storage refused. `what` names the cause in plain words, `advice` what mends it."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what} {advice}")
        self.what = what
        self.advice = advice


class FileMissing(StorageError):
    """The database knows the file; the storage does not have it."""


_CAUSES = {
    errno.ENOSPC: ("The disk of the file storage is full.", "Free some space; a restart can help then."),
    errno.EDQUOT: ("The file storage's quota is used up.", "Free some space; a restart can help then."),
    errno.EROFS: ("The file storage is read-only.", "Make it writable; a restart can help then."),
    errno.EACCES: ("The service may not write to the file storage.", "Mend its permissions; a restart can help then."),
    errno.EPERM: ("The service may not write to the file storage.", "Mend its permissions; a restart can help then."),
    errno.EFBIG: ("The file would be larger than the file storage takes.", "Ask for a shorter period or fewer limits."),
    errno.EIO: ("The disk of the file storage reports an error.", "Check the disk; a restart can help then."),
}


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        unknown = (f"The file storage failed ({error.strerror}).", "A restart can help once it works again.")
        raise StorageError(*_CAUSES.get(error.errno or 0, unknown)) from error


@dataclass(frozen=True)
class Published:
    """A file that is there: its key, its size in bytes, its SHA-256 in lower-case hex, its rows."""

    key: str
    content_length: int
    sha256: str
    row_count: int


class Staged:
    """A file being written. Counts and hashes every byte; `publish` makes it durable and gives it its name."""

    def __init__(self, key: str, file: BinaryIO) -> None:
        self.key = key
        self.content_length = 0
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, block: bytes) -> None:
        """Raises StorageError, naming the cause, when the storage cannot take the bytes."""
        with _explained():
            hit("file.write")
            self._file.write(block)
        self._hash.update(block)
        self.content_length += len(block)

    def publish(self, *, row_count: int) -> Published:
        """Flushes to the disk, checks the size and renames. Raises StorageError."""
        with _explained():
            self._file.flush()
            hit("file.fsync")
            os.fsync(self._file.fileno())
            self._check_size()
            hit("file.rename")
            path = _path(self.key)
            path.with_suffix(_STAGED).rename(path)
            hit("file.renamed")
            _sync_folder(path.parent)
        return Published(self.key, self.content_length, self._hash.hexdigest(), row_count)

    def _check_size(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size != self.content_length:
            what = f"The file has {size} bytes; {self.content_length} were written."
            raise StorageError(what, "Check the disk; a restart can help then.")


@contextmanager
def stage() -> Iterator[Staged]:
    """A new file under a temporary name; removed at the end of the block unless it was published."""
    key = uuid.uuid4().hex
    temporary = _path(key).with_suffix(_STAGED)
    with _explained():
        temporary.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = open(temporary, "xb", opener=_closed_to_others)  # noqa: SIM115  closed below
    try:
        yield Staged(key, file)
    finally:
        # On a full or read-only disk even tidying fails; the janitor comes again, the first error is the one to tell.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


class Blocks:
    """The next `length` bytes of an open file, block by block. Closes the file at their end, or when it is told to."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
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


def open_range(key: str, start: int, length: int) -> Blocks:
    """The bytes [start, start + length) in blocks. Raises FileMissing at once, not while they are read."""
    try:
        file = _path(key).open("rb")
        file.seek(start)
    except OSError as error:
        advice = "Restore it from the backup, or export again."
        raise FileMissing("The file cannot be read from the storage.", advice) from error
    return Blocks(file, length)


def delete(key: str) -> None:
    """Removes the bytes; fine when they are gone already. Raises StorageError."""
    with _explained():
        _path(key).unlink(missing_ok=True)


def older_than(seconds: float) -> Iterator[tuple[str, bool]]:
    """(key, is staged) of every file whose last write lies further back, for the janitor."""
    limit = time.time() - seconds
    for folder in sorted(settings.DATA_FILES_DIR.glob("??")):
        for path in list(folder.iterdir()):
            with suppress(FileNotFoundError):  # published, removed or renamed while we look
                if path.stat().st_mtime < limit:
                    yield path.stem, path.suffix == _STAGED


def discard_staged(key: str) -> None:
    with _explained():
        _path(key).with_suffix(_STAGED).unlink(missing_ok=True)


def _closed_to_others(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _path(key: str) -> Path:
    return Path(settings.DATA_FILES_DIR) / key[:2] / key


def _sync_folder(folder: Path) -> None:
    """The rename itself is durable only when the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
