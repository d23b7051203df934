"""A download that breaks off is seen to be broken, and goes on from where it was."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import pytest
import requests

from tests.faults.stack import Stack
from tests.faults.test_failpoints import ACTIONS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("action", ACTIONS)
def test_broken_off(stack: Stack, action: str) -> None:
    batch = stack.start_export()
    stack.wait_for_end(batch)
    [(code, file, length, digest)] = stack.sql(
        """SELECT s.code, f.code, f.content_length, f.sha256 FROM consumption_readconsumptionbatch b
             JOIN datafiles_datafileset s ON s.id = b.data_file_set_id
             JOIN datafiles_datafile f ON f.data_file_set_id = s.id WHERE b.id = %s""",
        batch,
    )
    path = f"/api/datafilesets/{code}/datafiles/{file}/data"
    stack.arm("download.block", action)
    content = read(stack, path)
    assert not stack.is_armed("download.block")
    if action in {"kill", "fail"}:  # otherwise it may still end well
        assert len(content) < length
    while len(content) < length:
        stack.wait("the web server answers", stack.is_warm)
        content += read(stack, path, Range=f"bytes={len(content)}-", **{"If-Range": f'"{digest}"'})
    assert hashlib.sha256(content).hexdigest() == digest


def read(stack: Stack, path: str, **headers: str) -> bytes:
    """What came until the end, or until it broke."""
    content = b""
    user = ("testuser1", "testuser1")
    with (
        suppress(requests.RequestException),
        requests.get(stack.url + path, auth=user, headers=headers, stream=True, timeout=30) as answer,
    ):
        if answer.status_code in {200, 206}:
            for block in answer.iter_content(1 << 16):
                content += block
    return content
