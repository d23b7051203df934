"""The bytes of a file over HTTP: whole, in parts, checked, and gone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from datafiles import storage
from datafiles.models import DataFile, DataFileSet
from datafiles.stored import FileBlocks
from hypermedia.readers import Role
from tests.api.wire import check, messages
from tests.api.world import CONTENT, stored_set
from tests.conftest import ApiClient, rels
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

DIGEST = hashlib.sha256(CONTENT)


@pytest.fixture
def owner(db: None) -> User:
    return UserFactory.create(username="client", roles=[Role.CLIENT])


@pytest.fixture
def client(owner: User) -> ApiClient:
    made = ApiClient(owner)
    made._client.raise_request_exception = False
    return made


@pytest.fixture
def path_of(owner: User) -> Callable[..., str]:
    def store(content: bytes = CONTENT) -> str:
        made = stored_set(owner, content)
        return f"/api/datafilesets/{made.code}/datafiles/{made.data_files.get().code}/data"

    return store


@pytest.fixture
def path(path_of: Callable[..., str]) -> str:
    return path_of()


def read(response: Any) -> bytes:
    content: bytes = response.getvalue()
    assert response.headers["Content-Length"] == str(len(content))
    return content


def test_the_whole_file(client: ApiClient, path: str) -> None:
    response = check(client.get(path), 200)
    assert read(response) == CONTENT
    code = path.split("/")[5]
    expected = {
        "Content-Type": "application/x-ndjson",
        "ETag": f'"{DIGEST.hexdigest()}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{code}.ndjson"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(DIGEST.digest()).decode()}:",
        "Cache-Control": "private, no-transform",
    }
    assert {name: response.headers.get(name) for name in expected} == expected
    assert response.headers["Last-Modified"].endswith(" GMT")


def test_head(client: ApiClient, path: str, monkeypatch: Any) -> None:
    """The headers of GET without opening the file; a range means nothing here."""
    whole = client.get(path)
    whole.getvalue()
    monkeypatch.setattr(storage, "open_range", None)
    response = check(client.request("HEAD", path, Range="bytes=0-1"), 200)
    assert response.getvalue() == b""
    for name in ("Content-Length", "ETag", "Repr-Digest", "Last-Modified", "Content-Disposition", "Accept-Ranges"):
        assert response.headers[name] == whole.headers[name]


def test_a_range(client: ApiClient, path: str) -> None:
    size = len(CONTENT)
    for header, part, start in (
        ("bytes=0-0", CONTENT[:1], 0),
        ("bytes=3-", CONTENT[3:], 3),
        ("bytes=-4", CONTENT[-4:], size - 4),
        ("bytes=2-5", CONTENT[2:6], 2),
    ):
        response = check(client.get(path, Range=header), 206)
        assert read(response) == part
        assert response.headers["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{size}"
        assert response.headers["ETag"] == f'"{DIGEST.hexdigest()}"'
        assert "Repr-Digest" in response.headers  # of the whole, whatever part is sent


def test_a_download_in_pieces(client: ApiClient, path_of: Callable[..., str]) -> None:
    """Larger than a block of the storage, cut at odd places, the same bytes."""
    content = bytes(range(256)) * 2_500
    path, got = path_of(content), b""
    while len(got) < len(content):
        piece = client.get(path, Range=f"bytes={len(got)}-{len(got) + 99_999}", If_Range=f'"{digest(content)}"')
        assert piece.status_code == 206
        got += read(piece)
    assert got == content == read(client.get(path))


def stored_key() -> str:
    key = DataFile.objects.get().storage_key
    assert key is not None
    return key


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_no_such_bytes(client: ApiClient, path: str) -> None:
    response = check(client.get(path, Range=f"bytes={len(CONTENT)}-"), 416)
    assert response.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


def test_several_ranges_get_everything(client: ApiClient, path: str) -> None:
    assert read(check(client.get(path, Range="bytes=0-1,4-5"), 200)) == CONTENT


def test_an_empty_file(client: ApiClient, path_of: Callable[..., str]) -> None:
    path = path_of(b"")
    for headers in ({}, {"Range": "bytes=0-"}, {"Range": "bytes=-1"}):
        response = check(client.get(path, **headers), 200)
        assert read(response) == b""
        assert response.headers["ETag"] == f'"{digest(b"")}"'


def test_if_range(client: ApiClient, path: str) -> None:
    first = client.get(path)
    first.getvalue()
    for validator in (first.headers["ETag"], first.headers["Last-Modified"]):
        assert read(check(client.get(path, Range="bytes=0-1", If_Range=validator), 206)) == CONTENT[:2]
    for validator in ('"other"', f"W/{first.headers['ETag']}", "Thu, 01 Jan 1970 00:00:00 GMT", "x"):
        assert read(check(client.get(path, Range="bytes=0-1", If_Range=validator), 200)) == CONTENT


def test_if_none_match_and_if_match(client: ApiClient, path: str) -> None:
    tag = f'"{DIGEST.hexdigest()}"'
    response = check(client.get(path, If_None_Match=tag, Range="bytes=0-1"), 304)
    assert response.headers["ETag"] == tag and "Cache-Control" in response.headers
    assert read(client.get(path, If_None_Match='"other"')) == CONTENT
    assert read(client.get(path, If_Match=tag)) == CONTENT
    check(client.get(path, If_Match='"other"', Range="bytes=0-1"), 412)


def test_dates_count_where_no_tag_is_given(client: ApiClient, path: str) -> None:
    modified, tag = client.request("HEAD", path).headers["Last-Modified"], f'"{DIGEST.hexdigest()}"'
    past, future = "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"
    for since in (modified, future):
        check(client.get(path, If_Modified_Since=since), 304)
        assert read(check(client.get(path, If_Unmodified_Since=since), 200)) == CONTENT
    for headers in (
        {"If_Modified_Since": past},
        {"If_Modified_Since": "x"},
        {"If_Modified_Since": modified, "If_None_Match": '"other"'},
        {"If_Unmodified_Since": "x"},
        {"If_Unmodified_Since": past, "If_Match": tag},
    ):
        assert read(check(client.get(path, **headers), 200)) == CONTENT
    check(client.get(path, If_Unmodified_Since=past), 412)


def test_accept_does_not_matter(client: ApiClient, path: str) -> None:
    for accept in ("text/html", "application/json", "image/*", "*/*;q=0"):
        response = check(client.get(path, Accept=accept), 200)
        assert read(response) == CONTENT
        assert response.headers["Content-Type"] == "application/x-ndjson"


def test_gone(client: ApiClient, path: str) -> None:
    """410 for who might have read it, 404 as ever for anybody else; the set stays, without the link."""
    DataFile.objects.update(removed_at=timezone.now())
    for method in ("GET", "HEAD"):
        check(client.request(method, path), 410)
    check(ApiClient(UserFactory.create(roles=[Role.CLIENT])).get(path), 404)
    set_path = path.partition("/datafiles/")[0]
    document = check(client.get(set_path), 200).json()
    assert rels(document) == ["self", "datafileset"]
    assert document["dataFiles"][0]["sha256"] == DIGEST.hexdigest()
    assert document["dataFiles"][0]["links"] == []


def test_a_removed_file_changes_the_tag_of_its_set(client: ApiClient, path: str) -> None:
    set_path = path.partition("/datafiles/")[0]
    tag = client.get(set_path).headers["ETag"]
    DataFile.objects.update(removed_at=timezone.now())
    check(client.get(set_path, If_None_Match=tag), 200)


def test_a_file_that_the_storage_lost(client: ApiClient, path: str) -> None:
    """503 before a byte is sent, and a message that says what to do."""
    storage.delete(stored_key())
    response = check(client.get(path), 503)
    assert "Restore it from the backup" in messages(response)[0]["text"]


def test_a_file_that_shrank(client: ApiClient, path: str, settings: Any) -> None:
    """The transfer breaks off, so that the client cannot take it for complete."""
    key = stored_key()
    (settings.DATA_FILES_DIR / key[:2] / key).write_bytes(CONTENT[:5])
    response = client.get(path)
    with pytest.raises(storage.StorageError):
        response.getvalue()


def test_a_download_that_is_given_up_closes_the_file(path: str) -> None:
    """Also before the first byte was read."""
    for taken in (0, 1):
        blocks = storage.open_range(stored_key(), 0, len(CONTENT))
        assert isinstance(blocks, FileBlocks)
        for _ in range(taken):
            next(blocks)
        blocks.close()
        assert blocks._file.closed


def test_messages_for_what_is_not_there(client: ApiClient, path: str) -> None:
    known = DataFileSet.objects.get().code
    for address, code, text in (
        ("/api/datafilesets/NOPE", "DAT-IP-DAFI-003", "Data file set code NOPE is unknown"),
        (
            f"/api/datafilesets/{known}/datafiles/NOPE/data",
            "DAT-IP-DAFI-005",
            f"Data file code NOPE is unknown to data file set {known}",
        ),
    ):
        assert messages(check(client.get(address), 404)) == [{"code": code, "text": text}]


def test_strange_codes_make_safe_names(client: ApiClient, path: str) -> None:
    """A code that a client chose reaches neither a path nor an unquoted header."""
    DataFile.objects.update(code='a"b; é\r\n😀')
    code = "a%22b%3B%20%C3%A9%0D%0A%F0%9F%98%80"
    response = check(client.get(path.rpartition("/datafiles/")[0] + f"/datafiles/{code}/data"), 200)
    response.getvalue()
    assert response.headers["Content-Disposition"] == 'attachment; filename="a-b------.ndjson"'
