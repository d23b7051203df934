"""Two gibibytes up and down through a real server, whose memory does not notice."""

from __future__ import annotations

import hashlib
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.faults.stack import Stack

pytestmark = pytest.mark.slow

SIZE = 2 << 30
BLOCK = 1 << 20
MOST_KIB = 40 << 10  # what the server may grow by: its threads' blocks, not the files
CLIENT = ("testuser1", "testuser1")


@pytest.fixture(scope="module")
def served() -> Iterator[Stack]:
    with Stack(consumptions=100) as stack:
        stack.start("web")
        yield stack


def blocks(size: int) -> Iterator[bytes]:
    """Different from block to block, so that one in the wrong place would show."""
    for number in range(size // BLOCK):
        yield number.to_bytes(8, "big") * (BLOCK // 8)


def peak(stack: Stack) -> int:
    """The most memory in KiB that any process of the server ever had."""
    group = stack.programs["web"].pid
    found = [0]
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if int(status.with_name("stat").read_text().rpartition(")")[2].split()[2]) == group:
                found += [int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return max(found)


def linked(document: dict[str, list[dict[str, str]]], rel: str) -> str:
    return next(link["href"] for link in document["links"] if link["rel"] == rel)


def digest_of(response: requests.Response) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for block in response.iter_content(BLOCK):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()


def test_flat_memory(served: Stack, tmp_path: Path) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.auth = CLIENT
        made = session.post(f"{served.url}/api/datafilesets", json={"dataFiles": [{"code": "big"}]}, timeout=60).json()
        small = session.post(linked(made, "file"), data=b"x", headers={"Content-Type": "text/plain"}, timeout=60)
        session.get(linked(small.json(), "file"), timeout=60)
        before = peak(served)

        expected = hashlib.sha256()
        for block in blocks(SIZE):
            expected.update(block)
        big = session.post(
            linked(made, "file"),
            data=blocks(SIZE),
            headers={"Content-Type": "text/plain", "Repr-Digest": header(expected.digest())},
            timeout=300,
        )
        assert big.status_code == 201, big.text
        assert (big.json()["contentLength"], big.json()["sha256"]) == (SIZE, expected.hexdigest())
        data = linked(big.json(), "file")

        with session.get(data, stream=True, timeout=60) as whole:
            assert digest_of(whole) == (SIZE, expected.hexdigest())
        middle = session.get(data, headers={"Range": f"bytes={SIZE // 2}-{SIZE // 2 + 7}"}, timeout=60)
        assert (middle.status_code, middle.content) == (206, (SIZE // 2 // BLOCK).to_bytes(8, "big"))
        with session.get(f"{linked(made, 'self')}/zip", stream=True, timeout=60) as zipped:
            assert digest_of(zipped)[0] == int(zipped.headers["Content-Length"]) > SIZE

        # A ZIP of a gibibyte that becomes a file: grown by a thousandth only, as no bomb does.
        archive = tmp_path / "big.zip"
        with zipfile.ZipFile(archive, "w") as target, target.open("more.txt", "w", force_zip64=True) as entry:
            for block in blocks(SIZE // 2):
                entry.write(block)
        with archive.open("rb") as file:
            address, kind = f"{linked(made, 'self')}/zip", {"Content-Type": "application/zip"}
            unzipped = session.post(address, data=file, headers=kind, timeout=300)
        assert unzipped.status_code == 201, unzipped.text
        assert unzipped.json()["dataFiles"][1]["contentLength"] == SIZE // 2
        grown = peak(served) - before
        print(f"the server's memory grew by {grown} KiB over {before} KiB")  # noqa: T201
        assert grown < MOST_KIB


def header(digest: bytes) -> str:
    return f"sha-256=:{b64encode(digest).decode()}:"
