"""`up` with everything in it, as a newcomer runs it. One clone, used by one test after the other."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.embedded.process import wait_until
from tests.up import clones
from tests.up.clones import Clone

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"),
    pytest.mark.xdist_group("up"),
]
SAMPLE = ("--sample", "2000")
END_SECONDS = 60  # a loaded machine is slow


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def pid(self) -> int:
        return self.process.pid


@pytest.fixture(scope="module")
def running(used_clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An `up` that has shown its export and serves on."""
    output = tmp_path_factory.mktemp("output") / "up.log"
    started = used_clone.start(output, *SAMPLE)
    yield Running(started, output)
    started.kill()
    started.wait()


def test_export_is_shown(used_clone: Clone, running: Running) -> None:
    output = running.output.read_text()
    assert "$ curl -sS -u testuser1:testuser1 -i -X POST" in output
    assert "size and SHA-256 are right" in output
    (exported,) = used_clone.place.exports.iterdir()
    assert re.search(rf"^[0-9a-f]{{64}}  {exported}$", output, re.MULTILINE)


def test_second_terminal_finds_the_first(used_clone: Clone, running: Running) -> None:
    file = used_clone.place.environment_file
    assert file.stat().st_mode & 0o777 == 0o600
    variables = {name: value for name, value in used_clone.environment().items() if name == "PATH"}
    shown = subprocess.run(
        used_clone.command(
            "shell",
            "--no-imports",
            "-c",
            "from django.contrib.auth.models import User as U\nU.objects.get(username='auditor1')",
        ),
        cwd=used_clone.folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=clones.PATIENCE_SECONDS,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr


def test_second_one_is_refused(used_clone: Clone, running: Running) -> None:
    ended = used_clone.manage("up")
    assert (ended.returncode, ended.stderr) == (
        1,
        f"It already runs here (process {running.pid}): `make stop` ends it.\n",
    )


def test_killed_worker_starts_again(used_clone: Clone, running: Running) -> None:
    first = clones.named(clones.descendants(running.pid), "--queues=operations")
    assert len(first) > 1  # the worker and its pool
    parents = {pid: parent for pid, (parent, _) in clones.processes().items() if pid in first}
    [worker] = parents.keys() - {pid for pid, parent in parents.items() if parent in first}
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: not clones.living(first), END_SECONDS)
    assert wait_until(lambda: bool(clones.named(clones.descendants(running.pid), "--queues=operations")), END_SECONDS)


def test_killed_supervisor_leaves_nothing(running: Running) -> None:
    children = clones.descendants(running.pid)
    programs = ("granian", "--queues=operations", "--queues=housekeeping", "beat", "postgres", "valkey-server")
    assert all(clones.named(children, program) for program in programs)
    running.process.kill()
    running.process.wait()
    assert wait_until(lambda: not clones.living(children), END_SECONDS)


def test_one_export_and_nothing_left(used_clone: Clone) -> None:
    ended = used_clone.manage("up", "--once", *SAMPLE)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "size and SHA-256 are right" in ended.stdout

    def left() -> set[int]:
        running = clones.living(set(clones.processes()))
        return clones.named(running, str(used_clone.folder)) | clones.named(running, str(used_clone.place.private))

    assert wait_until(lambda: not left(), END_SECONDS), left()


def test_asked_to_stop_while_it_starts(used_clone: Clone, tmp_path: Path) -> None:
    started = used_clone.start(tmp_path / "up.log", until="database is ready")
    children = clones.descendants(started.pid)
    assert used_clone.manage("stop").stdout == "Stopped.\n"
    assert started.wait(END_SECONDS) == 0
    assert wait_until(lambda: not clones.living(children), END_SECONDS)
