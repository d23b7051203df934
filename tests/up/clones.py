"""A clone of this repository for a test, `up` running in it, and the processes that belong to that."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from config.embedded import place
from config.embedded.place import Place
from config.embedded.process import wait_until
from tests.rabbitmq import free_ports

CODE = ("audit", "config", "consumption", "datafiles", "hypermedia", "jobs", "manage.py")
PATIENCE_SECONDS = 180.0  # a loaded machine is slow, and slowness is not what these tests look for
OURS = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Clone:
    folder: Path
    port: int

    @property
    def place(self) -> Place:
        return place.of(self.folder)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def environment(self, **variables: str) -> dict[str, str]:
        """As a newcomer has it: nothing but what finds programs."""
        return {"PATH": os.environ["PATH"], "PORT": str(self.port), "ENVIRONMENT": "development", **variables}

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the clone to its end."""
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def start(self, output: Path, *arguments: str, until: str = "is running") -> subprocess.Popen[bytes]:
        """Start `up` and wait until it says so."""
        with output.open("wb") as file:
            running = subprocess.Popen(
                self.command("up", *arguments),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        assert wait_until(lambda: running.poll() is not None or until in output.read_text(), PATIENCE_SECONDS, 0.1)
        assert running.poll() is None, output.read_text()
        return running


def make(folder: Path) -> Clone:
    folder.mkdir()
    unfinished = shutil.ignore_patterns("*.pyc.*")  # what other tests are compiling just now
    for name in CODE:
        if (OURS / name).is_dir():
            shutil.copytree(OURS / name, folder / name, ignore=unfinished)
        else:
            shutil.copy(OURS / name, folder / name)
    return Clone(folder, *free_ports(1))


def run_here(program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program that can import ours."""
    argv = [sys.executable, "-c", program]
    return subprocess.run(argv, cwd=OURS, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def descendants(pid: int) -> set[int]:
    """Every process that descends from `pid`."""
    parents = {child: parent for child, (parent, _) in processes().items()}
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def living(pids: set[int]) -> set[int]:
    """Those that still run; a zombie, which waits for its parent to take note, does not."""
    return {pid for pid, (_, state) in processes().items() if pid in pids and state != "Z"}


def processes() -> dict[int, tuple[int, str]]:
    """Parent and state of every process."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *_ = file.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        found[int(file.parent.name)] = int(parent), state
    return found


def named(pids: set[int], word: str) -> set[int]:
    """Those whose command line contains `word`."""
    return {pid for pid in pids if word in command_line(pid)}


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
