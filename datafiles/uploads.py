"""Bodies that become files: streamed into the storage, counted, hashed, and never in memory as a whole."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from datafiles import media, storage
from datafiles.media import RowCounter
from datafiles.storage import BLOCK, Published, Staged
from hypermedia.bodies import BodyTooLarge, stream_of
from hypermedia.errors import LengthRequired, Malformed, ResultMessage, RuleBroken, UnsupportedContent

_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):", re.IGNORECASE)
_TAIL = 512  # a multipart body ends with its boundary, which is at most 200 characters long
# Where it ends a ZIP says itself, so that one that broke off is noticed without being told its length.
_END_OF_ZIP = b"PK\x05\x06"


class Counted:
    """The body as a stream of at most `UPLOAD_LIMIT` bytes that notices when it ends too early."""

    def __init__(self, request: HttpRequest) -> None:
        self._stream = stream_of(request)
        self.expected = _content_length(request)
        self.received = 0
        self.tail = b""
        if self.expected is not None and self.expected > settings.UPLOAD_LIMIT:
            raise _too_large()

    def read(self, size: int = BLOCK) -> bytes:
        """Raises BodyTooLarge; Malformed when the client stops in the middle."""
        try:
            block: bytes = self._stream.read(min(size, BLOCK))
        except OSError as error:
            raise _broken_off() from error
        self.received += len(block)
        self.tail = (self.tail + block[-_TAIL:])[-_TAIL:]
        if self.received > settings.UPLOAD_LIMIT:
            raise _too_large()
        if not block and self.expected is not None and self.received < self.expected:
            raise _broken_off()
        return block

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read, b"")


@dataclass(frozen=True)
class Upload:
    """A file that is written, but not yet published."""

    staged: Staged
    rows: RowCounter
    media_type: str
    name: str = ""  # the part's field in a form
    file_name: str = ""

    def write(self, block: bytes) -> None:
        self.staged.write(block)
        self.rows.write(block)

    @property
    def fingerprint(self) -> str:
        """What makes two such uploads the same."""
        return hashlib.sha256(f"{self.media_type} {self.staged.sha256}".encode()).hexdigest()

    def publish(self) -> Published:
        return self.staged.publish(row_count=self.rows.rows)


@contextmanager
def raw(request: HttpRequest, media_type: str) -> Iterator[Upload]:
    """The whole body as one file; gone at the end of the block unless it was published.

    Raises LengthRequired, BodyTooLarge, Malformed, RuleBroken (another digest than the client told), StorageError.
    """
    body, digest = Counted(request), _told_digest(request)
    is_open = body.expected is None and digest is None
    if is_open and media_type != media.ZIP:
        raise LengthRequired(
            "Without Content-Length a transfer that breaks off looks like one that ended: give Content-Length, or the"
            " content's hash as Repr-Digest: sha-256=:<base64>:."
        )
    with storage.stage() as staged:
        upload = Upload(staged, RowCounter(media_type), media_type)
        for block in body:
            upload.write(block)
        if is_open and _END_OF_ZIP not in body.tail:
            raise _broken_off()
        if digest is not None and digest.hex() != staged.sha256:
            text = "The content that arrived has another SHA-256 than the request tells; send it again."
            raise RuleBroken(ResultMessage("DAT-IP-DAFI-104", text))
        yield upload


@dataclass(frozen=True)
class Form:
    """A multipart body: its texts by name, and its files in the order in which they came."""

    fields: dict[str, str]
    uploads: list[Upload]


@contextmanager
def form(request: HttpRequest) -> Iterator[Form]:
    """A multipart body; the files are gone at the end of the block unless they were published.

    Raises BodyTooLarge, Malformed, UnsupportedContent for a file of another type, StorageError.
    """
    body = Counted(request)
    with ExitStack() as stack:
        handler = StagingHandler(stack)
        # Django takes a body without a length for none.
        head = {
            **request.META,
            "CONTENT_LENGTH": str(settings.UPLOAD_LIMIT if body.expected is None else body.expected),
        }
        try:
            fields, _ = MultiPartParser(head, body, [handler], "utf-8").parse()  # type: ignore[arg-type]
        except MultiPartParserError as error:
            raise Malformed(f"The multipart body cannot be read: {error}") from error
        for _ in body:  # what Django leaves when it takes the body for ended
            pass
        if not body.tail.rstrip(b"\r\n ").endswith(b"--"):
            raise _broken_off()
        if any(len(values) > 1 for _, values in fields.lists()):
            raise Malformed("A part of the form stands twice.")
        yield Form({name: str(value) for name, value in fields.items()}, handler.uploads)


class StagingHandler(FileUploadHandler):
    """Django's hook for the files of a form: straight into the storage."""

    chunk_size = BLOCK

    def __init__(self, stack: ExitStack) -> None:
        super().__init__()
        self.uploads: list[Upload] = []
        self._stack = stack

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        name = self.file_name or ""
        named = media.by_name(name)
        declared = media.uploaded_as(self.content_type)
        media_type = declared if declared not in {None, media.TEXT} or named not in media.UPLOADS else named
        if media_type is None:
            raise unsupported(f"{self.content_type or 'no type'} of the part {self.field_name}")
        staged = self._stack.enter_context(storage.stage())
        self.uploads.append(Upload(staged, RowCounter(media_type), media_type, self.field_name or "", name))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.uploads[-1].write(raw_data)

    def file_complete(self, file_size: int) -> None:
        """Nothing for Django to keep."""


def unsupported(what: str) -> UnsupportedContent:
    return UnsupportedContent(f"{what} is not taken here; files are {media.LISTED}, told by Content-Type.")


def _content_length(request: HttpRequest) -> int | None:
    """None for a body in chunks."""
    if "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    if not (text.isascii() and text.isdigit()):
        raise Malformed("Content-Length is no number.")
    return int(text[:20])


def _told_digest(request: HttpRequest) -> bytes | None:
    """The SHA-256 that the client tells beforehand (RFC 9530). Raises Malformed."""
    for name in ("Repr-Digest", "Content-Digest"):
        match = _DIGEST.search(request.headers.get(name, ""))
        if match is None:
            continue
        try:
            digest = base64.b64decode(match[1], validate=True)
        except ValueError:
            digest = b""
        if len(digest) != 32:
            raise Malformed(f"{name} holds no SHA-256: sha-256=:<base64 of 32 bytes>:.")
        return digest
    return None


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {settings.UPLOAD_LIMIT} bytes, the most that one upload may have.")


def _broken_off() -> Malformed:
    return Malformed("The body ended before it was complete; nothing of it was kept.")
