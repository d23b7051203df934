"""A file in a folder of this host, larger than what is given to the disk at a time."""

from __future__ import annotations

import hashlib
import os

import pytest

from datafiles import local_files, storage

MIB = 1 << 20


@pytest.mark.parametrize("size", [1, 4 * MIB, 11 * MIB + 7])
def test_it_holds_what_was_written(size: int) -> None:
    content = os.urandom(size)
    with storage.stage() as staged:
        for begin in range(0, size, 3 * MIB):
            staged.write(content[begin : begin + 3 * MIB])
        published = staged.publish(row_count=None)
    assert (published.content_length, published.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert b"".join(storage.open_range(published.key, 0, size)) == content


def test_where_no_advice_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    monkeypatch.setattr(local_files, "_PORTION", 1)
    with storage.stage() as staged:
        staged.write(b"one")
        staged.write(b"two")
        published = staged.publish(row_count=None)
    assert b"".join(storage.open_range(published.key, 0, 6)) == b"onetwo"
