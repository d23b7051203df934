"""ZIPs: a set as one, and what is in one as files of a set. Block by block, whatever its size.

Nothing of a ZIP is believed. Its names become codes, never paths; what is no plain file, or grows beyond all measure,
is refused before the first byte is stored. No entry can become longer than it says: reading ends there.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from django.conf import settings
from zipstream import ZipStream

from datafiles import media, storage
from datafiles.errors import rule
from datafiles.media import RowCounter
from datafiles.models import DataFile, new_code
from datafiles.services import NewFile
from datafiles.storage import BLOCK, Published
from hypermedia.errors import MOST_MESSAGES, ResultMessage, RuleBroken

REFUSED = "DAT-IP-DAFI-110"
_DIRECTORY_BYTES = 1 << 20  # of the list of entries: room for some thousand; it is read in one go
_SMALL = 1 << 20  # no bomb, however much it grows
_ENCRYPTED = 0x41  # the flags of either kind of encryption
_COMPRESSED = {media.ZIP, media.GZIP, media.ZSTD, media.PARQUET}
_UNREADABLE = (
    BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError, struct.error, zlib.error
)  # fmt: skip


def stream(files: Sequence[DataFile]) -> tuple[Iterator[bytes], int]:
    """The files as a ZIP, as they are, and its length. They are opened one after the other, when their turn comes."""
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    for file in files:
        archive.add(_content(file), file.file_name, size=file.content_length)
    return iter(archive), len(archive)


def packed(files: Sequence[DataFile]) -> Iterator[bytes]:
    """The files as a ZIP, compressed where that helps."""
    archive = ZipStream(compress_type=ZIP_DEFLATED, compress_level=1)
    for file in files:
        kind = ZIP_STORED if file.media_type in _COMPRESSED else ZIP_DEFLATED
        archive.add(_content(file), file.file_name, compress_type=kind)
    return iter(archive)


def _content(file: DataFile) -> Iterator[bytes]:
    yield from storage.open_range(file.storage_key, 0, file.content_length)


@contextmanager
def extracted(key: str) -> Iterator[list[NewFile]]:
    """What is in the stored ZIP, published, for rows to be made of it in the block; an error there takes it away.

    Raises RuleBroken, naming every entry that is refused and why; FileMissing; StorageError.
    """
    with ExitStack() as stack, storage.reader(key) as file:
        try:
            archive = stack.enter_context(ZipFile(_Bounded(file)))
        except _UNREADABLE as error:
            raise rule(REFUSED, f"This is no ZIP that can be read: {error}.") from error
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _refuse(entries)
        files = []
        for entry in entries:
            made = _extract(archive, entry)
            if made.published is not None:
                stack.enter_context(storage.removed_on_error(made.published))
            files.append(made)
        yield files


class _Bounded(io.RawIOBase):
    """The stored ZIP; its list of entries, which is read at once, may not fill the memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(_DIRECTORY_BYTES + 1 if size < 0 else min(size, _DIRECTORY_BYTES + 1))
        if len(block) > _DIRECTORY_BYTES:
            raise BadZipFile(f"its list of entries is longer than {_DIRECTORY_BYTES} bytes")
        return block

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _extract(archive: ZipFile, entry: ZipInfo) -> NewFile:
    name = entry.filename
    media_type = str(media.by_name(name))
    try:
        published = _copied(archive, entry, media_type)
    except _UNREADABLE as error:
        raise rule(REFUSED, f"{name}: its content is damaged ({error}).") from error
    flat = name.replace("/", "_")
    code = flat if media.CODE.fullmatch(flat) else new_code()
    return NewFile(code=code, description=name[:200], media_type=media_type, published=published)


def _copied(archive: ZipFile, entry: ZipInfo, media_type: str) -> Published:
    rows = RowCounter(media_type)
    with archive.open(entry) as source, storage.stage() as staged:
        while block := source.read(BLOCK):
            staged.write(block)
            rows.write(block)
        return staged.publish(row_count=rows.rows)


def _refuse(entries: Sequence[ZipInfo]) -> None:
    """Raises RuleBroken with everything that speaks against these entries."""
    found = [*_against_all(entries), *(text for entry in entries for text in _against(entry)), *_twins(entries)]
    if found:
        raise RuleBroken(*(ResultMessage(REFUSED, text) for text in found[:MOST_MESSAGES]))


def _against_all(entries: Sequence[ZipInfo]) -> Iterator[str]:
    if not entries:
        yield "The ZIP holds no files."
    if len(entries) > settings.UNZIP_FILES:
        yield f"The ZIP holds {len(entries)} files; at most {settings.UNZIP_FILES} are taken."
    total = sum(entry.file_size for entry in entries)
    if total > settings.UNZIP_LIMIT:
        yield f"The ZIP would become {total} bytes; at most {settings.UNZIP_LIMIT} are taken."
    placed = sorted(entries, key=lambda entry: entry.header_offset)
    for before, after in pairwise(placed):
        if before.header_offset + before.compress_size > after.header_offset:
            yield f"{after.orig_filename}: shares its bytes with another entry."


def _against(entry: ZipInfo) -> Iterator[str]:
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.flag_bits & _ENCRYPTED:
        yield f"{name}: encrypted entries cannot be read; send them unencrypted."
    if kind not in {0, stat.S_IFREG}:
        yield f"{name}: {'links are' if kind == stat.S_IFLNK else 'what is no plain file is'} not taken."
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        yield f"{name}: of the methods of compression only deflate is taken."
    if entry.file_size > max(_SMALL, settings.UNZIP_RATIO * entry.compress_size):
        yield f"{name}: grows to more than {settings.UNZIP_RATIO} times its size, which is taken for a bomb."
    if _is_path(name):
        yield f"{name}: a name may not be absolute, hold .. or a backslash, or leave the ZIP in any other way."
    elif media.by_name(name) is None:
        yield f"{name}: the end of the name has to tell the type; files are {media.LISTED}, or .gz and .zst of these."


def _is_path(name: str) -> bool:
    odd = any(character in name for character in "\\:\0") or not name.isprintable()
    return odd or any(part in {"", ".", ".."} for part in name.split("/"))


def _twins(entries: Sequence[ZipInfo]) -> Iterator[str]:
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename.replace("/", "_").casefold()
        if name in seen:
            yield f"{entry.orig_filename}: another entry has the same name."
        seen.add(name)
