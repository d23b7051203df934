"""Content that comes in: which types are taken, by a body or a form, with and without a length, and what broke off."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import pytest

from datafiles.models import DataFileSet
from tests.api.requests import zipped
from tests.api.wire import check
from tests.conftest import ApiClient, rel
from tests.datafiles.files import FORM, SETS, filled, form, made, stored, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage_folder")]

CSV = b"a,b\n1,2\n3,4\n"


TYPES = {
    "application/xml": (b"<a/>", None, "xml"),
    "text/xml; charset=utf-8": (b"<a/>", None, "xml"),
    "application/json": (b"{}", None, "json"),
    "application/x-ndjson": (b"{}\n{}", 2, "ndjson"),
    "text/csv": (b'h\n"a\nb"\n"c""\n"\n', 2, "csv"),
    "text/csv;header=present": (b"", 0, "csv"),
    "text/plain": (b"x\n", None, "txt"),
    "application/zip": (b"PK", None, "zip"),
    "application/vnd.apache.parquet": (b"PAR1", None, "parquet"),
}


@pytest.mark.parametrize("kind", TYPES)
def test_types_that_are_taken(client: ApiClient, kind: str) -> None:
    content, rows, extension = TYPES[kind]
    [file] = filled(client, content, kind)["dataFiles"]
    assert (file.get("rowCount"), file["contentLength"]) == (rows, len(content))
    got = check(client.get(file["links"][0]["href"]), 200)
    assert got.getvalue() == content
    assert got.headers["Content-Type"] == file["mediaType"]
    assert got.headers["Content-Disposition"] == f'attachment; filename="one.{extension}"'


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "text/html", "", "x", "csv"])
def test_types_that_are_not_taken(client: ApiClient, kind: str) -> None:
    address = made(client, {"dataFiles": [{}]})["dataFiles"][0]["links"][0]["href"]
    assert upload(client, address, CSV, kind).status_code == 415
    assert upload(client, address, CSV, "text/csv", Content_Encoding="gzip").status_code == 415
    assert not stored()


def test_content_takes_the_place_of_content(client: ApiClient) -> None:
    document = filled(client)
    before = client.request("HEAD", str(rel(document, "file"))).headers["ETag"]
    check(upload(client, str(rel(document, "file")), b"{}", "application/json"), 201)
    got = check(client.get(str(rel(document, "file"))), 200)
    assert got.getvalue() == b"{}" and got.headers["ETag"] != before
    assert len(stored()) == 1


def test_an_upload_over_the_limit(client: ApiClient, settings: Any) -> None:
    settings.UPLOAD_LIMIT = 10
    address = made(client, {"dataFiles": [{}]})["dataFiles"][0]["links"][0]["href"]
    assert upload(client, address, b"x" * 10).status_code == 201
    assert upload(client, address, b"x" * 11).status_code == 413
    assert in_chunks(client, address, b"x" * 11, Repr_Digest=repr_digest(b"x" * 11)).status_code == 413
    assert len(stored()) == 1


def repr_digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def in_chunks(client: ApiClient, address: str, content: bytes, kind: str = "text/csv", **headers: str) -> Any:
    environ: dict[str, Any] = {
        "wsgi.input": io.BytesIO(content),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": kind,
    }
    return check(client.request("POST", address, environ=environ, **headers))


def test_a_body_without_a_length(client: ApiClient) -> None:
    """Broken off, it would look complete: the hash tells."""
    address = made(client, {"dataFiles": [{}]})["dataFiles"][0]["links"][0]["href"]
    assert in_chunks(client, address, CSV).status_code == 411
    assert in_chunks(client, address, CSV[:-3], Repr_Digest=repr_digest(CSV)).status_code == 422
    assert in_chunks(client, address, CSV, Repr_Digest="sha-256=:AAAA:").status_code == 400
    assert not stored()
    assert in_chunks(client, address, CSV, Repr_Digest=repr_digest(CSV)).status_code == 201
    assert upload(client, address, CSV, Content_Digest=repr_digest(b"other")).status_code == 422
    archive = zipped({"a.csv": CSV})
    assert in_chunks(client, address, archive[:-20], "application/zip").status_code == 400
    assert in_chunks(client, address, archive, "application/zip").status_code == 201


class Broken(io.RawIOBase):
    """A client that sends some bytes and goes away."""

    def __init__(self, content: bytes, *, silent: bool) -> None:
        self._content, self._silent = io.BytesIO(content), silent

    def read(self, size: int = -1) -> bytes:
        block = self._content.read(size)
        if not block and not self._silent:
            raise OSError("connection reset")
        return block


@pytest.mark.parametrize("silent", [True, False], ids=["servers that say nothing", "servers that raise"])
def test_an_upload_that_breaks_off_leaves_nothing(client: ApiClient, silent: bool) -> None:
    document = made(client, {"dataFiles": [{"code": "a"}]})
    address = document["dataFiles"][0]["links"][0]["href"]
    whole = form(("a", "a.csv", "text/csv", CSV))
    for target, kind, sent, length in (
        (address, "text/csv", CSV[:5], len(CSV)),
        (SETS, FORM, whole[: len(whole) // 2], len(whole)),
        (SETS, FORM, whole[:-8], len(whole)),
    ):
        environ = {"wsgi.input": Broken(sent, silent=silent), "CONTENT_LENGTH": str(length), "CONTENT_TYPE": kind}
        check(client.request("POST", target, environ=environ), 400)
    assert not stored()
    assert check(client.get(str(rel(document, "self")))).json() == document
    assert DataFileSet.objects.count() == 1


def test_a_form_in_chunks_has_to_end(client: ApiClient) -> None:
    whole = form(("a", "a.csv", "text/csv", CSV))
    for cut in (10, len(whole) // 2, len(whole) - 5):
        check(in_chunks(client, SETS, whole[:cut], FORM), 400)
    assert not stored() and not DataFileSet.objects.exists()
    document = check(in_chunks(client, SETS, whole, FORM), 201).json()
    assert document["dataFiles"][0]["rowCount"] == 2


FORMS: dict[str, tuple[bytes, dict[str, bytes]]] = {
    "a document, and parts called like the codes": (
        form(
            ("dataFileSet", "", "application/json", b'{"code":"S","dataFiles":[{"code":"a"},{"code":"b"}]}'),
            ("b", "x.ndjson", "application/x-ndjson", b"{}\n"),
            ("a", "y.csv", "text/csv", CSV),
        ),
        {"a": CSV, "b": b"{}\n"},
    ),
    "files called like the codes": (
        form(
            ("file", "b.csv", "application/octet-stream", b"b\n"),
            ("file", "a.csv", "", CSV),
            ("json", "", "", b'{"code":"S","dataFiles":[{"code":"a"},{"code":"b"}]}'),
        ),
        {"a": CSV, "b": b"b\n"},
    ),
    "by their order": (
        form(
            ("x", "", "", b'{"code":"S","dataFiles":[{"code":"a"},{"code":"b"}]}'),
            ("file1", "one.csv", "text/csv", CSV),
            ("file2", "two.csv", "text/csv", b"b\n"),
        ),
        {"a": CSV, "b": b"b\n"},
    ),
    "undeclared": (
        form(("code", "", "", b"S"), ("file", "claims.csv", "text/csv", CSV)),
        {"claims.csv": CSV},
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_set_with_content(client: ApiClient, name: str) -> None:
    body, expected = FORMS[name]
    document = check(client.request("POST", SETS, body, Content_Type=FORM), 201).json()
    assert document["code"] == "S"
    got = {file["code"]: client.get(file["links"][0]["href"]).getvalue() for file in document["dataFiles"]}
    assert got == expected


REFUSED_FORMS: dict[str, tuple[bytes, int]] = {
    "a part that belongs to none": (
        form(
            ("x", "", "", b'{"dataFiles":[{"code":"a"}]}'),
            ("b", "b.csv", "text/csv", CSV),
            ("a", "a.csv", "text/csv", CSV),
        ),
        422,
    ),
    "a type that is not taken": (form(("a", "a.png", "image/png", CSV)), 415),
    "two descriptions": (form(("x", "", "", b"{}"), ("y", "", "", b"{}")), 400),
    "a part twice": (form(("code", "", "", b"a"), ("code", "", "", b"b")), 400),
    "an unknown property": (form(("colour", "", "", b"red")), 422),
    "no JSON": (form(("x", "", "", b"{,")), 400),
    "a code that is a path": (form(("code", "", "", b"../../etc/passwd")), 422),
    "two files of one name": (form(("f", "a.csv", "text/csv", CSV), ("g", "a.csv", "text/csv", CSV)), 422),
    "no part": (form(), 400),
    "no boundary at the end": (form(("a", "a.csv", "text/csv", CSV), end=b""), 400),
}


@pytest.mark.parametrize("name", REFUSED_FORMS)
def test_forms_that_are_refused(client: ApiClient, name: str) -> None:
    body, status = REFUSED_FORMS[name]
    check(client.request("POST", SETS, body, Content_Type=FORM), status)
    assert not stored() and not DataFileSet.objects.exists()
