"""Files in an S3-compatible service: uploaded in parts, and there when the upload is completed, never before.

Credentials and region come as boto3 finds them; `S3_BUCKET`, `S3_ENDPOINT_URL` and `S3_PREFIX` say where.
"""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any, BinaryIO, cast

from django.conf import settings

from datafiles.stored import BLOCK, FileMissing, Staged, StorageError
from hypermedia.failpoints import hit

_PART = 8 << 20  # bytes of one part, the most that is held; the service takes 10,000 parts of at least 5 MiB
_MOST_PARTS = 10_000
_GROWTH = 1000  # after so many parts they double, so that a file may have terabytes
_MISSING = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}


@cache
def _client() -> Any:
    """Threads may share it. Every call has a deadline."""
    import boto3  # not before: only who uses S3 needs it
    from botocore.config import Config

    limits = Config(
        signature_version="s3v4",
        connect_timeout=5,
        read_timeout=30,
        retries={"max_attempts": 4, "mode": "standard"},
        max_pool_connections=32,
    )
    return boto3.client("s3", endpoint_url=settings.S3_ENDPOINT_URL or None, config=limits)


@contextmanager
def _explained() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise FileMissing from error
        advice = "Check bucket, credentials and rights; a restart can help then."
        raise StorageError(f"The file storage refused ({code}).", advice) from error
    except BotoCoreError as error:
        what = f"The file storage cannot be reached ({type(error).__name__})."
        raise StorageError(what, "A restart can help once it works again.") from error


def _at(key: str) -> dict[str, str]:
    return {"Bucket": settings.S3_BUCKET, "Key": f"{settings.S3_PREFIX}{key}"}


class S3Staged(Staged):
    """An upload in parts that nobody sees yet."""

    def __init__(self, key: str, upload_id: str) -> None:
        super().__init__(key)
        self._upload = {**_at(key), "UploadId": upload_id}
        self._waiting = bytearray()
        self._parts: list[dict[str, Any]] = []
        self.published = False

    def _store(self, block: bytes) -> None:
        hit("file.write")
        self._waiting += block
        while len(self._waiting) >= self._part_size:
            self._send(self._part_size)

    @property
    def _part_size(self) -> int:
        return _PART << (len(self._parts) // _GROWTH)

    def _send(self, size: int) -> None:
        number = len(self._parts) + 1
        if number > _MOST_PARTS:
            raise StorageError("The file is larger than the file storage takes.", "Ask for a shorter period.")
        body = bytes(memoryview(self._waiting)[:size])
        with _explained():
            sent = _client().upload_part(**self._upload, PartNumber=number, Body=body)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        del self._waiting[:size]

    def _publish(self) -> None:
        hit("file.fsync")
        self._send(len(self._waiting))  # also the only part of an empty file
        hit("file.rename")
        with _explained():
            _client().complete_multipart_upload(**self._upload, MultipartUpload={"Parts": self._parts})
            self.published = True
            hit("file.renamed")
            self._check_size(int(_client().head_object(**_at(self.key))["ContentLength"]))

    def discard(self) -> None:
        """What even this cannot remove, the janitor finds."""
        with suppress(StorageError), _explained():
            _client().abort_multipart_upload(**self._upload)


@contextmanager
def stage() -> Iterator[Staged]:
    key = uuid.uuid4().hex
    with _explained():
        upload_id = _client().create_multipart_upload(**_at(key))["UploadId"]
    staged = S3Staged(key, upload_id)
    try:
        yield staged
    finally:
        if not staged.published:
            staged.discard()


class S3Blocks:
    """The body of one ranged answer, block by block."""

    def __init__(self, body: Any, length: int) -> None:
        self._body = body
        self._left = length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with _explained():
            block: bytes = self._body.read(min(BLOCK, self._left)) if self._left else b""
        self._left -= len(block)
        if not block:
            self.close()
            if self._left:
                raise StorageError("The file is shorter than it was.", "Restore it from the backup, or export again.")
            raise StopIteration
        return block

    def close(self) -> None:
        self._body.close()


def open_range(key: str, start: int, length: int) -> S3Blocks:
    with _explained():
        if length == 0:  # no range names no bytes
            _client().head_object(**_at(key))
            return S3Blocks(io.BytesIO(), 0)
        answer = _client().get_object(**_at(key), Range=f"bytes={start}-{start + length - 1}")
    return S3Blocks(answer["Body"], length)


class _Reader(io.RawIOBase):
    """A file of the service at any place; each read is one request, so it is read through a buffer."""

    def __init__(self, key: str) -> None:
        with _explained():
            self._size = int(_client().head_object(**_at(key))["ContentLength"])
        self._key = key
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the beginning")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Any) -> int:
        length = max(0, min(len(buffer), self._size - self._place))
        read = 0
        for block in open_range(self._key, self._place, length):
            buffer[read : read + len(block)] = block
            read += len(block)
        self._place += read
        return read


def reader(key: str) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Reader(key), 1 << 20))


def delete(key: str) -> None:
    with suppress(FileMissing), _explained():
        _client().delete_object(**_at(key))


def older_than(seconds: float) -> Iterator[tuple[str, bool]]:
    """Uploads that were never completed go by when they began: no upload lasts as long as the janitor waits."""
    limit = datetime.fromtimestamp(time.time() - seconds, UTC)
    where = {"Bucket": settings.S3_BUCKET, "Prefix": settings.S3_PREFIX}
    with _explained():
        for page in _client().get_paginator("list_objects_v2").paginate(**where):
            yield from ((_key(one), False) for one in page.get("Contents", ()) if one["LastModified"] < limit)
        for page in _client().get_paginator("list_multipart_uploads").paginate(**where):
            yield from ((_key(one), True) for one in page.get("Uploads", ()) if one["Initiated"] < limit)


def problem() -> str:
    try:
        with _explained():
            _client().head_bucket(Bucket=settings.S3_BUCKET)
    except StorageError as error:
        return error.what.rstrip(".")
    return ""


def _key(listed: dict[str, Any]) -> str:
    return str(listed["Key"]).removeprefix(settings.S3_PREFIX)


def discard_staged(key: str) -> None:
    where = _at(key)
    with suppress(FileMissing), _explained():
        listed = _client().list_multipart_uploads(Bucket=where["Bucket"], Prefix=where["Key"])
        for one in listed.get("Uploads", ()):
            _client().abort_multipart_upload(**where, UploadId=one["UploadId"])
