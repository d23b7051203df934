"""Sets as ZIPs and ZIPs as sets: out and in again, and everything that a ZIP may not be."""

from __future__ import annotations

import io
import stat
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest

from datafiles.models import DataFileSet
from tests.api.wire import check, messages
from tests.conftest import ApiClient, rel, rels
from tests.datafiles.files import FORM, filled, form, made, stored, upload

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("storage_folder")]

CSV, NDJSON = b"a,b\n1,2\n", b'{"a":1}\n{"a":2}\n'


Entry = tuple[ZipInfo | str, bytes]


def archive(*entries: Entry, compression: int = ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with ZipFile(made, "w", compression) as zipped:
        for name, content in entries:
            zipped.writestr(name, content)
    return made.getvalue()


GOOD = archive(("claims.csv", CSV), ("2024/", b""), ("2024/more.ndjson", NDJSON), ("_.xml.gz", b"\x1f\x8b"))


def two_files(client: ApiClient) -> str:
    """The address of a set with two files."""
    document = made(client, {"code": "S", "dataFiles": [{"code": "one"}, {"code": "two.ndjson"}]})
    for file, content, kind in zip(
        document["dataFiles"], (CSV, NDJSON), ("text/csv", "application/x-ndjson"), strict=True
    ):
        check(upload(client, file["links"][0]["href"], content, kind), 201)
    return str(rel(document, "self"))


def contents(client: ApiClient, address: str) -> dict[str, bytes]:
    """What can be read, by code."""
    files = check(client.get(address), 200).json()["dataFiles"]
    return {file["code"]: client.get(link["href"]).getvalue() for file in files for link in file["links"]}


def test_everything_in_one_zip(client: ApiClient) -> None:
    address = two_files(client)
    response = check(client.get(f"{address}/zip"), 200)
    content = response.getvalue()
    assert response.headers["Content-Length"] == str(len(content))
    assert response.headers["Content-Disposition"] == 'attachment; filename="S.zip"'
    assert response.headers["Content-Type"] == "application/zip"
    with ZipFile(io.BytesIO(content)) as zipped:
        assert zipped.testzip() is None
        assert {name: zipped.read(name) for name in zipped.namelist()} == {"one.csv": CSV, "two.ndjson": NDJSON}
    head = check(client.request("HEAD", f"{address}/zip", Accept="image/png"), 200)
    assert head.headers["Content-Length"] == str(len(content))


def test_a_zip_of_nothing(client: ApiClient) -> None:
    address = str(rel(made(client), "self"))
    with ZipFile(io.BytesIO(check(client.get(f"{address}/zip"), 200).getvalue())) as zipped:
        assert zipped.namelist() == []
    document = filled(client)
    check(client.delete(f"{rel(document, 'self')}/datafiles/one"), 204)
    check(client.get(f"{rel(document, 'self')}/zip"), 410)


def test_checksums_of_what_curl_wrote(client: ApiClient, tmp_path: Path) -> None:
    """`sha256sum -c` in the folder where the downloads are, by the names that they came with."""
    address = two_files(client)
    for link in check(client.get(address), 200).json()["links"]:
        if link["rel"] == "file":
            response = client.get(link["href"])
            name = response.headers["Content-Disposition"].split('"')[1]
            (tmp_path / name).write_bytes(response.getvalue())
    listed = check(client.get(f"{address}/SHA256SUMS", Accept="image/png"), 200)
    assert listed.headers["Content-Disposition"] == 'attachment; filename="SHA256SUMS"'
    command = ["sha256sum", "--strict", "-c", "-"]
    done = subprocess.run(command, cwd=tmp_path, input=listed.content, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"one.csv: OK\ntwo.ndjson: OK\n")
    (tmp_path / "one.csv").write_bytes(b"other")
    assert subprocess.run(command, cwd=tmp_path, input=listed.content, capture_output=True, check=False).returncode == 1


def test_the_manifest(client: ApiClient) -> None:
    address = two_files(client)
    money = {"amount": "12345678901234567890.10", "currency": "USD"}
    totals = [{"limitCode": "OOPM", "consumptions": 2, "counters": 1, **money}]
    DataFileSet.objects.update(totals=totals, snapshot_at="2026-02-18T17:11:51.004Z")
    response = check(client.get(f"{address}/manifest"), 200)
    assert b'"amount":{"value":12345678901234567890.10,"currency":"USD"}' in response.content
    manifest = response.json()
    assert manifest["snapshotTime"] == {"value": "2026-02-18T17:11:51.004+00:00"}
    assert [(file["name"], file["rows"], file["bytes"]) for file in manifest["files"]] == [
        ("one.csv", 1, len(CSV)),
        ("two.ndjson", 2, len(NDJSON)),
    ]
    assert [client.get(file["url"]).getvalue() for file in manifest["files"]] == [CSV, NDJSON]
    assert rels(manifest) == ["self", "datafileset", "file", "file"]
    assert response.headers["ETag"] != client.get(address).headers["ETag"]


def test_a_zip_becomes_files(client: ApiClient) -> None:
    expected = {"claims.csv": CSV, "2024_more.ndjson": NDJSON, "_.xml.gz": b"\x1f\x8b"}
    for content, kind in ((GOOD, "application/zip"), (form(("file", "x.zip", "application/zip", GOOD)), FORM)):
        document = made(client)
        [link] = [link for link in document["links"] if link["rel"] == "file"]
        response = check(client.request(link["httpMethod"], link["href"], content, Content_Type=kind), 201)
        assert response.headers["Location"] == rel(document, "self")
        assert contents(client, str(rel(document, "self"))) == expected
        files = {file["code"]: file for file in response.json()["dataFiles"]}
        assert (files["claims.csv"]["mediaType"], files["claims.csv"]["rowCount"]) == ("text/csv", 1)
        assert files["2024_more.ndjson"]["description"] == "2024/more.ndjson"
    assert len(stored()) == 6


def test_zip_and_unzip(client: ApiClient) -> None:
    """There and back; what was replaced is gone, and the version rises."""
    address = two_files(client)
    before = contents(client, address)
    old = str(rel(client.get(address).json(), "file"))
    packed = check(client.request("PUT", f"{address}/zip"), 200)
    [link] = [link for link in packed.json()["links"] if link["rel"] == "file"]
    check(client.get(old), 410)
    with ZipFile(io.BytesIO(client.get(link["href"]).getvalue())) as zipped:
        assert zipped.namelist() == ["one.csv", "two.ndjson"]
    assert len(stored()) == 1
    check(client.request("PUT", f"{address}/unzip", If_Match='"0"'), 412)
    unpacked = check(client.request("PUT", f"{address}/unzip", If_Match=packed.headers["ETag"]), 200)
    assert sorted(contents(client, address).values()) == sorted(before.values())
    assert unpacked.headers["ETag"].split("-")[0] == '"5'
    check(client.request("PUT", f"{address}/unzip"), 409)


def test_nothing_to_zip(client: ApiClient) -> None:
    address = str(rel(made(client, {"dataFiles": [{}]}), "self"))
    for what in ("zip", "unzip"):
        check(client.request("PUT", f"{address}/{what}"), 409)
        check(client.request("PUT", f"{address}/{what}", {"x": 1}), 422)
    for kind in ("text/csv", "application/octet-stream", ""):
        check(client.request("POST", f"{address}/zip", GOOD, Content_Type=kind), 415)
    check(client.request("POST", f"{address}/zip", form(("f", "a.csv", "", CSV)), Content_Type=FORM), 415)


def test_a_locked_set(client: ApiClient) -> None:
    address = two_files(client)
    DataFileSet.objects.update(locked=True)
    for method, what in (("PUT", "zip"), ("PUT", "unzip"), ("POST", "zip")):
        response = check(client.request(method, f"{address}/{what}", GOOD, Content_Type="application/zip"), 409)
        assert messages(response)[0]["code"] == "DAT-IP-DAFI-004"


def test_the_same_zip_again(client: ApiClient) -> None:
    address = str(rel(made(client), "self"))
    sent = [upload(client, f"{address}/zip", GOOD, "application/zip", Idempotency_Key="k") for _ in range(2)]
    assert [one.status_code for one in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    [message, *_] = messages(check(upload(client, f"{address}/zip", GOOD, "application/zip"), 422))
    assert message["code"] == "DAT-IP-DAFI-002"
    assert len(stored()) == 3


def special(name: str, mode: int) -> ZipInfo:
    made = ZipInfo(name)
    made.create_system = 3
    made.external_attr = mode << 16
    return made


def patched(content: bytes, offset: int, value: bytes, signature: bytes = b"PK\x01\x02") -> bytes:
    """With other bytes in the list of entries, and in the entry itself where that has them too."""
    at = content.rindex(signature) + offset
    return content[:at] + value + content[at + len(value) :]


def encrypted() -> bytes:
    content = patched(archive(("a.csv", CSV)), 8, b"\x01\x00")
    return patched(content, 6, b"\x01\x00", b"PK\x03\x04")


def overlapping() -> bytes:
    """Two entries of the list that are the same bytes."""
    content = archive(("a.csv", CSV * 50), ("b.csv", CSV * 50))
    return patched(content, 42, struct.pack("<I", 0))


def long_list() -> bytes:
    made = io.BytesIO()
    with ZipFile(made, "w") as zipped:
        for number in range(9_000):
            zipped.writestr(f"{number}{'x' * 80}.csv", b"")
    return made.getvalue()


BOMB = b"\0" * 3_000_000
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "up and out": (lambda: archive(("../../etc/cron.d/x.csv", CSV)), "may not be absolute"),
    "up in the middle": (lambda: archive(("a/../../x.csv", CSV)), "may not be absolute"),
    "absolute": (lambda: archive(("/etc/x.csv", CSV)), "may not be absolute"),
    "a drive": (lambda: archive(("C:x.csv", CSV)), "may not be absolute"),
    "backslashes": (lambda: archive(("..\\x.csv", CSV)), "may not be absolute"),
    "a dot": (lambda: archive(("./x.csv", CSV)), "may not be absolute"),
    "a control character": (lambda: archive(("x\n.csv", CSV)), "may not be absolute"),
    "NUL": (lambda: archive(("x0y.csv", CSV)).replace(b"x0y", b"x\0y"), "may not be absolute"),
    "a link": (lambda: archive((special("x.csv", stat.S_IFLNK | 0o777), b"/etc/passwd")), "links are not taken"),
    "a device": (lambda: archive((special("x.csv", stat.S_IFCHR | 0o666), b"")), "no plain file"),
    "the same name twice": (lambda: archive(("x.csv", CSV), ("X.CSV", CSV)), "the same name"),
    "the same code twice": (lambda: archive(("a/x.csv", CSV), ("a_x.csv", CSV)), "the same name"),
    "encrypted": (encrypted, "encrypted"),
    "a bomb": (lambda: archive(("x.csv", BOMB)), "bomb"),
    "too much in all": (
        lambda: archive(*((f"{n}.csv", bytes(range(256)) * 4_000) for n in range(3)), compression=0), "would become"
    ),
    "too many files": (lambda: archive(*((f"{number}.csv", b"") for number in range(11))), "at most 10"),
    "entries on top of each other": (overlapping, "shares its bytes"),
    "a list that fills the memory": (long_list, "its list of entries is longer"),
    "another method": (lambda: archive(("x.csv", CSV), compression=ZIP_BZIP2), "deflate"),
    "an unknown type": (lambda: archive(("x.exe", CSV)), "tell the type"),
    "no type": (lambda: archive(("x", CSV)), "tell the type"),
    "nothing": (archive, "no files"),
    "no ZIP": (lambda: CSV, "no ZIP"),
    "an empty body": (lambda: b"", "no ZIP"),
    "cut off": (lambda: GOOD[:-30], "no ZIP"),
    "damaged": (lambda: archive(("x.csv", CSV), compression=0).replace(b"1,2", b"9,2"), "damaged"),
    "longer than it says": (
        lambda: patched(patched(archive(("x.csv", CSV * 99)), 24, b"\x05\0\0\0"), 22, b"\x05\0\0\0", b"PK\x03\x04"),
        "damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_zips_that_are_refused(client: ApiClient, settings: Any, name: str) -> None:
    """With a message that says what is wrong; uploaded or unzipped, they leave nothing."""
    settings.UNZIP_FILES, settings.UNZIP_LIMIT = 10, 3_000_000
    content, text = HOSTILE[name][0](), HOSTILE[name][1]
    empty = made(client)
    response = check(upload(client, f"{rel(empty, 'self')}/zip", content, "application/zip"), 422)
    assert text in messages(response)[0]["text"]
    assert not stored()
    document = filled(client, content, "application/zip", code="Z")
    response = check(client.request("PUT", f"{rel(document, 'self')}/unzip"), 422)
    assert text in messages(response)[0]["text"]
    assert check(client.get(str(rel(document, "self")))).json() == document
    assert len(stored()) == 1


def test_every_refused_entry_is_named(client: ApiClient) -> None:
    content = archive(("../a.csv", CSV), ("fine.csv", CSV), ("b.exe", CSV))
    response = check(upload(client, f"{rel(made(client), 'self')}/zip", content, "application/zip"), 422)
    assert [message["text"].split(":")[0] for message in messages(response)] == ["../a.csv", "b.exe"]
