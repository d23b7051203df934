"""Files in a folder of this host: written under a temporary name, fsynced, renamed.

A file is visible whole or not at all. Keys are made here; nothing a client sends ever becomes a path.
"""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from datafiles.stored import FileBlocks, FileMissing, Staged, StorageError
from hypermedia.failpoints import hit

_STAGED = ".part"
_PORTION = 4 << 20  # bytes


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


class LocalStaged(Staged):
    """A file under its temporary name."""

    def __init__(self, key: str, file: BinaryIO) -> None:
        super().__init__(key)
        self._file = file
        self._begun = 0  # bytes whose way to the disk has begun

    def _store(self, block: bytes) -> None:
        with _explained():
            hit("file.write")
            self._file.write(block)
            if self._file.tell() - self._begun >= _PORTION:
                self._begin_writing()

    def _begin_writing(self) -> None:
        """On the side, so that `fsync`, which nothing else can be done beside, finds little left to do. Linux begins to
        write what it is told not to need; what it has not written it keeps."""
        self._file.flush()
        written = self._file.tell()
        with suppress(OSError, AttributeError):  # advice that a file system, or a system without it, does not take
            os.posix_fadvise(self._file.fileno(), self._begun, written - self._begun, os.POSIX_FADV_DONTNEED)
        self._begun = written

    def _publish(self) -> None:
        with _explained():
            self._file.flush()
            hit("file.fsync")
            os.fsync(self._file.fileno())
            self._check_size(os.fstat(self._file.fileno()).st_size)
            hit("file.rename")
            path = path_of(self.key)
            path.with_suffix(_STAGED).rename(path)
            hit("file.renamed")
            _sync_folder(path.parent)


@contextmanager
def stage() -> Iterator[Staged]:
    """A new file under a temporary name; removed at the end of the block unless it was published."""
    key = uuid.uuid4().hex
    temporary = path_of(key).with_suffix(_STAGED)
    with _explained():
        temporary.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = open(temporary, "xb", opener=_closed_to_others)  # noqa: SIM115  closed below
    try:
        yield LocalStaged(key, file)
    finally:
        # On a full or read-only disk even tidying fails; the janitor comes again, the first error is the one to tell.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def open_range(key: str, start: int, length: int) -> FileBlocks:
    """The bytes [start, start + length) in blocks. Raises FileMissing at once, not while they are read."""
    file = reader(key)
    file.seek(start)
    return FileBlocks(file, length)


def reader(key: str) -> BinaryIO:
    """The file for reading at any place. Raises FileMissing."""
    try:
        return path_of(key).open("rb")
    except OSError as error:
        raise FileMissing from error


def delete(key: str) -> None:
    """Removes the bytes; fine when they are gone already. Raises StorageError."""
    with _explained():
        path_of(key).unlink(missing_ok=True)


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
        path_of(key).with_suffix(_STAGED).unlink(missing_ok=True)


def problem() -> str:
    folder = settings.DATA_FILES_DIR
    if not folder.exists():
        folder = folder.parent
    return "" if os.access(folder, os.W_OK | os.X_OK) else "the file storage is not writable"


def _closed_to_others(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def path_of(key: str) -> Path:
    """Where the file lies. A web server that sends it itself is told the part below the folder."""
    return Path(settings.DATA_FILES_DIR) / key[:2] / key


def _sync_folder(folder: Path) -> None:
    """The rename itself is durable only when the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
