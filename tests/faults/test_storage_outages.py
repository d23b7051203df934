"""When the storage refuses, the message names the cause and says whether a restart helps; and then it does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults import checks
from tests.faults.stack import Stack

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems")


@contextmanager
def mounted(stack: Stack, options: str) -> Iterator[None]:
    """Another file system in the place of the storage."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(stack.files)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(stack.files)], check=True)


def fails_with(stack: Stack, text: str) -> int:
    """An export that ends as Failed with this message; its id."""
    batch = stack.start_export()
    stack.wait_for_end(batch, "Failed")
    assert stack.messages(batch)[-1] == ("DAT-FA-001", text)
    return batch


def restart_completes(stack: Stack, batch: int) -> None:
    task = stack.task(batch)["task"]
    assert stack.request("POST", f"/api/taskprocessing/{task}/restart").status_code == 200
    stack.wait_for_end(batch)


@ROOT_ONLY
def test_disk_full(stack: Stack) -> None:
    with mounted(stack, "size=1m"):
        batch = fails_with(stack, "The disk of the file storage is full. Free some space; a restart can help then.")
        assert not checks.files_on_disk(stack), "what was written so far gives its space back"
    restart_completes(stack, batch)


@ROOT_ONLY
@pytest.mark.slow
def test_read_only(stack: Stack) -> None:
    with mounted(stack, "ro"):
        batch = fails_with(stack, "The file storage is read-only. Make it writable; a restart can help then.")
    restart_completes(stack, batch)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_not_ours(stack: Stack) -> None:
    stack.files.chmod(0o500)
    try:
        text = "The service may not write to the file storage. Mend its permissions; a restart can help then."
        batch = fails_with(stack, text)
    finally:
        stack.files.chmod(0o700)
    restart_completes(stack, batch)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["file.write", "file.fsync", "file.rename"])
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("ENOSPC", "The disk of the file storage is full. Free some space; a restart can help then."),
        ("EDQUOT", "The file storage's quota is used up. Free some space; a restart can help then."),
        ("EIO", "The disk of the file storage reports an error. Check the disk; a restart can help then."),
        ("ESTALE", "The file storage failed (Stale file handle). A restart can help once it works again."),
    ],
)
def test_each_step(stack: Stack, point: str, error: str, cause: str) -> None:
    stack.arm(point, f"fail {error}")
    restart_completes(stack, fails_with(stack, cause))
