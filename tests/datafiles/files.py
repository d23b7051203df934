"""What the tests of sets share: bodies of every kind, and steps that follow links."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from tests.api.wire import check
from tests.conftest import ApiClient, rel

SETS = "/api/datafilesets"
BOUNDARY = "----boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form(*parts: tuple[str, str, str, bytes], end: bytes = b"--") -> bytes:
    """A multipart body of (name, file name, type, content); without a file name the part is a text."""
    lines = b""
    for name, file_name, kind, content in parts:
        named = f'; filename="{file_name}"' if file_name else ""
        typed = f"Content-Type: {kind}\r\n" if kind else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n{typed}\r\n'
        lines += head.encode() + content + b"\r\n"
    return lines + f"--{BOUNDARY}".encode() + end + (b"\r\n" if end else b"")


def made(client: ApiClient, body: Any = None) -> dict[str, Any]:
    """A new set, read where its `Location` leads."""
    response = check(client.post(SETS, body or {}), 201)
    document: dict[str, Any] = check(client.get(response.headers["Location"]), 200).json()
    assert document == response.json()
    return document


def upload(client: ApiClient, address: str, content: bytes, kind: str = "text/csv", **headers: str) -> Any:
    # Without a body the test client would leave out the type.
    return check(client.request("POST", address, content, environ={"CONTENT_TYPE": kind}, Content_Type=kind, **headers))


def filled(client: ApiClient, content: bytes = b"a,b\n1,2\n", kind: str = "text/csv", **names: Any) -> dict[str, Any]:
    """A set with one file that has content."""
    document = made(client, {"dataFiles": [{"code": "one"}], **names})
    address = rel(document["dataFiles"][0], "file")
    assert address is not None
    check(upload(client, address, content, kind), 201)
    again: dict[str, Any] = check(client.get(str(rel(document, "self"))), 200).json()
    return again


def stored() -> list[Path]:
    """The files in the storage folder, temporary ones too."""
    return [path for path in Path(settings.DATA_FILES_DIR).rglob("*") if path.is_file()]
