"""Multipart bodies: which part describes the set, and which file each of the others is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from datafiles import media, storage
from datafiles.errors import rule
from datafiles.models import new_code
from datafiles.services import NewFile
from datafiles.uploads import Form, Upload
from hypermedia.errors import Malformed
from hypermedia.parsers import parse_json

_GENERIC = {"", "file", "files", "data", "content", "upload"}  # field names that name no file


def document_of(form: Form) -> Any:
    """The description: the part that holds a JSON object, whatever it is called, or the parts `code` and `description`.

    Raises Malformed.
    """
    if not form.fields and not form.uploads:
        raise Malformed("The form has no part; give one with a JSON object, the parts code and description, or files.")
    objects = [text for text in form.fields.values() if text.lstrip().startswith("{")]
    if not objects:
        return dict(form.fields)
    if len(form.fields) > 1:
        raise Malformed("Give one part with a JSON object, or the parts code and description; not both.")
    return parse_json(objects[0].encode())


def fingerprint(form: Form) -> str:
    """What makes two such requests the same, whatever the boundary."""
    files = [[one.name, one.file_name, one.media_type, one.staged.sha256] for one in form.uploads]
    return hashlib.sha256(json.dumps([document_of(form), files], sort_keys=True, default=str).encode()).hexdigest()


def matched(
    declared: Sequence[dict[str, Any]], uploads: Sequence[Upload]
) -> list[tuple[dict[str, Any], Upload | None]]:
    """Each declared file with its part, if it has one. Raises RuleBroken for a part that belongs to none.

    A part belongs to the file whose code is the part's name or its file name, with or without the extension. When no
    part does so, and there are as many parts as files, they belong together in their order.
    """
    if not declared:
        return [({"code": _code_of(upload), "description": upload.file_name[:200]}, upload) for upload in uploads]
    left = list(uploads)
    pairs: list[tuple[dict[str, Any], Upload | None]] = []
    for one in declared:
        upload = next((upload for upload in left if one.get("code") in _names(upload)), None)
        if upload is not None:
            left.remove(upload)
        pairs.append((one, upload))
    if len(left) == len(uploads) == len(declared):
        return list(zip(declared, uploads, strict=True))
    if left:
        text = f"The part {left[0].name or left[0].file_name} belongs to none of dataFiles; name it like a file's code."
        raise rule("DAT-IP-DAFI-105", text, "/dataFiles")
    return pairs


def _names(upload: Upload) -> set[str]:
    return {upload.name, upload.file_name, upload.file_name.rpartition(".")[0]} - {""}


def _code_of(upload: Upload) -> str:
    candidates = (upload.file_name, "" if upload.name in _GENERIC else upload.name)
    return next((name for name in candidates if media.CODE.fullmatch(name)), new_code())


@contextmanager
def published(pairs: Sequence[tuple[dict[str, Any], Upload | None]]) -> Iterator[list[NewFile]]:
    """The files with their bytes in place, for the rows to be made in the block; an error there takes them away."""
    with ExitStack() as stack:
        files = []
        for described, upload in pairs:
            content: dict[str, Any] = {}
            if upload is not None:
                bytes_there = upload.publish()
                stack.enter_context(storage.removed_on_error(bytes_there))
                content = {"published": bytes_there, "media_type": upload.media_type}
            files.append(NewFile(**{**described, **content}))
        yield files
