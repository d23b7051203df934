"""The same promises in an S3-compatible service, against a real server of one."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest
from moto.server import ThreadedMotoServer

from datafiles import retention, s3_files, storage
from datafiles.models import DataFile
from datafiles.storage import FileMissing, StorageError
from hypermedia.readers import Role
from tests.api.requests import zipped
from tests.api.wire import check
from tests.conftest import ApiClient, rel
from tests.datafiles.files import filled, made, upload
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

BUCKET = "tallyport"
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(autouse=True)
def bucket(server: str, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.DATA_FILES_STORAGE, settings.S3_BUCKET = "s3", BUCKET
    settings.S3_ENDPOINT_URL, settings.S3_PREFIX = server, "files/"
    settings.DATA_FILES_DIR = tmp_path / "not-used"
    s3_files._client.cache_clear()
    client = boto3.client("s3", endpoint_url=server)
    client.create_bucket(Bucket=BUCKET)
    yield client
    for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    for one in client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ()):
        client.abort_multipart_upload(Bucket=BUCKET, Key=one["Key"], UploadId=one["UploadId"])
    client.delete_bucket(Bucket=BUCKET)
    client.close()
    assert not (tmp_path / "not-used").exists()


def keys(bucket: Any) -> list[str]:
    return [one["Key"] for one in bucket.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def uploads(bucket: Any) -> list[str]:
    return [one["Key"] for one in bucket.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]


@pytest.mark.parametrize("size", [0, 1, 8 * MEBIBYTE, 17 * MEBIBYTE + 3])
def test_whole_or_not_at_all(bucket: Any, size: int) -> None:
    """Nothing is seen before the last part is in; then everything."""
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with storage.stage() as staged:
        for start in range(0, size, 300_000):
            staged.write(content[start : start + 300_000])
        assert keys(bucket) == [] and len(uploads(bucket)) == 1
        published = staged.publish(row_count=None)
    assert keys(bucket) == [f"files/{published.key}"] and uploads(bucket) == []
    assert (published.content_length, published.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert b"".join(storage.open_range(published.key, 0, size)) == content
    assert b"".join(storage.open_range(published.key, size // 2, size - size // 2)) == content[size // 2 :]
    with storage.reader(published.key) as file:
        file.seek(-min(10, size), io.SEEK_END)
        assert file.read() == content[max(0, size - 10) :]
        assert file.read(5) == b""
        file.seek(size // 3)
        assert file.read(100) == content[size // 3 :][:100]


def test_an_attempt_that_fails_leaves_nothing(bucket: Any) -> None:
    with pytest.raises(ZeroDivisionError), storage.stage() as staged:
        staged.write(b"x" * (9 * MEBIBYTE))
        _ = 1 // 0
    assert keys(bucket) == uploads(bucket) == []


def test_what_is_not_there(bucket: Any, settings: Any) -> None:
    for length in (0, 1):
        with pytest.raises(FileMissing):
            storage.open_range("nothing", 0, length)
    with pytest.raises(FileMissing):
        storage.reader("nothing")
    storage.delete("nothing")
    storage.discard_staged("nothing")
    assert storage.problem() == ""
    settings.S3_BUCKET = "nowhere"
    assert storage.problem() != ""
    with pytest.raises(StorageError), storage.stage():
        pass


def test_a_service_that_does_not_answer(settings: Any) -> None:
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:9"
    s3_files._client.cache_clear()
    try:
        with pytest.raises(StorageError, match="cannot be reached"), storage.stage():
            pass
        assert "cannot be reached" in storage.problem()
    finally:
        s3_files._client.cache_clear()


def test_the_janitor(bucket: Any) -> None:
    """Removes what nobody knows, completed or not; what a row knows stays."""
    with storage.stage() as staged:
        staged.write(b"x")
        lost = staged.publish(row_count=None)
    bucket.put_object(Bucket=BUCKET, Key="somebody/else", Body=b"x")
    filled(ApiClient(UserFactory.create(roles=[Role.CLIENT])))
    assert retention.tidy(older_than_seconds=3600) == 0
    bucket.create_multipart_upload(Bucket=BUCKET, Key="files/dead")  # this server says 2010 of all of them
    assert retention.tidy(older_than_seconds=-3600) == 2
    assert sorted(keys(bucket)) == sorted([f"files/{DataFile.objects.get().storage_key}", "somebody/else"])
    assert lost.key not in str(keys(bucket)) and uploads(bucket) == []


def test_an_upload_that_was_never_completed_is_aborted_by_its_age(bucket: Any) -> None:
    def begun_now(parsed: dict[str, Any], **_: Any) -> None:
        """This server says 2010 of every upload."""
        for one in parsed.get("Uploads", ()):
            if one["Key"] == "files/young":
                one["Initiated"] = datetime.now(UTC)

    for key in ("files/young", "files/old", "somebody/else"):
        begun = bucket.create_multipart_upload(Bucket=BUCKET, Key=key)
        bucket.upload_part(Bucket=BUCKET, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=b"x")
    s3_files._client().meta.events.register("after-call.s3.ListMultipartUploads", begun_now)
    assert retention.tidy(older_than_seconds=3600) == 1
    assert sorted(uploads(bucket)) == ["files/young", "somebody/else"]
    assert retention.tidy(older_than_seconds=-3600) == 1
    assert uploads(bucket) == ["somebody/else"]


def test_over_http(client: ApiClient, bucket: Any) -> None:
    """Up, down, by range, as a ZIP, from a ZIP, deleted."""
    document = filled(client, b"a\n1\n2\n")
    data, address = str(rel(document, "file")), str(rel(document, "self"))
    assert check(client.get(data), 200).getvalue() == b"a\n1\n2\n"
    assert check(client.get(data, Range="bytes=2-3"), 206).getvalue() == b"1\n"
    with ZipFile(io.BytesIO(check(client.get(f"{address}/zip"), 200).getvalue())) as archive:
        assert archive.read("one.csv") == b"a\n1\n2\n"
    target = f"{rel(made(client), 'self')}/zip"
    files = {f"{number}.csv": b"a\n" * number for number in range(5)}
    check(upload(client, target, zipped(files), "application/zip"), 201)
    assert len(keys(bucket)) == 6
    check(client.request("PUT", f"{address}/zip"), 200)
    check(client.request("PUT", f"{address}/unzip"), 200)
    check(client.delete(address), 204)
    assert len(keys(bucket)) == 5 and uploads(bucket) == []
    check(client.get(data), 410)
