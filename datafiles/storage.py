"""Where the bytes are: staged under a temporary name, published, opened by range, deleted.

`DATA_FILES_STORAGE` says which module does it: files in a folder, or an S3-compatible service. A file is visible whole
or not at all, in either.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import BinaryIO, cast

from django.conf import settings

from datafiles.stored import BLOCK, Blocks, FileBlocks, FileMissing, Published, Staged, StorageError, Store

__all__ = [
    "BLOCK",
    "Blocks",
    "FileBlocks",
    "FileMissing",
    "Published",
    "Staged",
    "StorageError",
    "delete",
    "discard_staged",
    "older_than",
    "open_range",
    "problem",
    "reader",
    "removed_on_error",
    "stage",
]

KINDS = {"local": "datafiles.local_files", "s3": "datafiles.s3_files"}


def _store() -> Store:
    return cast(Store, import_module(KINDS[settings.DATA_FILES_STORAGE]))


def stage() -> AbstractContextManager[Staged]:
    """A new file under a temporary name; removed at the end of the block unless it was published."""
    return _store().stage()


def open_range(key: str | None, start: int, length: int | None) -> Blocks:
    """The bytes [start, start + length) in blocks. Raises FileMissing at once, not while they are read.

    Also for the None that a file without bytes has in the place of a key.
    """
    if key is None:
        raise FileMissing
    return _store().open_range(key, start, length or 0)


def reader(key: str) -> BinaryIO:
    """The file for reading at any place. Raises FileMissing."""
    return _store().reader(key)


def delete(key: str | None) -> None:
    """Removes the bytes; fine when there are none, or no more. Raises StorageError."""
    if key is not None:
        _store().delete(key)


def older_than(seconds: float) -> Iterator[tuple[str, bool]]:
    """(key, is staged) of every file whose last write lies further back, for the janitor."""
    return _store().older_than(seconds)


def discard_staged(key: str) -> None:
    """Removes what an attempt left under a temporary name. Raises StorageError."""
    _store().discard_staged(key)


def problem() -> str:
    """Why nothing can be written at the moment; empty when it can."""
    return _store().problem()


@contextmanager
def removed_on_error(*published: Published) -> Iterator[None]:
    """Files whose rows come to nothing go at once; what even that cannot remove is left to the janitor."""
    try:
        yield
    except BaseException:
        for one in published:
            try:
                delete(one.key)
            except StorageError:
                continue
        raise
