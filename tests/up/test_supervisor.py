"""The supervisor with small programs instead of the real services."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded import place, process
from config.embedded.process import ServiceError, wait_until
from config.supervisor import supervisor as supervisors
from config.supervisor.services import Service
from config.supervisor.supervisor import SIGNALS, Supervisor
from tests.up import clones

SLEEPS = "import time; time.sleep(60)"
ENDS = "raise SystemExit(3)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def service(program: str, *, ready: bool = True, vital: bool = False) -> Service:
    return Service("small", (sys.executable, "-c", program), lambda: ready, vital)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}
    try:
        with Supervisor(place.throwaway(tmp_path)) as made:
            yield made
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)


def test_vital_service_that_ends(supervisor: Supervisor) -> None:
    supervisor.start([service(SLEEPS, vital=True)], {})
    supervisor.children[0].process.kill()
    with pytest.raises(ServiceError, match="small ended by itself \\(SIGKILL\\)"):
        supervisor.watch()


def test_service_that_never_was_ready(supervisor: Supervisor) -> None:
    with pytest.raises(ServiceError, match="small ended by itself \\(exit code 3\\)"):
        supervisor.start([service(ENDS, ready=False)], {})


def test_service_that_is_not_ready_in_time(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "READY_SECONDS", 0.2)
    with pytest.raises(ServiceError, match="small was not ready within"):
        supervisor.start([service(SLEEPS, ready=False)], {})


def test_service_that_ends_starts_again_ever_later(supervisor: Supervisor) -> None:
    supervisor.start([service(SLEEPS)], {})
    (child,) = supervisor.children
    first, pause = child.process, child.pause
    first.kill()
    assert supervisor.wait_for(lambda: child.process is not first, pause + 60)
    assert child.process.poll() is None
    assert child.pause == 2 * pause


def test_private_service_that_ends(supervisor: Supervisor) -> None:
    running = process.start([sys.executable, "-c", ENDS], log=None)
    supervisor.keep("database", running, process.stop)
    with pytest.raises(ServiceError, match="database ended by itself \\(exit code 3\\)"):
        supervisor.watch()


def test_program_that_fails(supervisor: Supervisor) -> None:
    with pytest.raises(ServiceError, match="migrate failed \\(exit code 3\\)"):
        supervisor.run("migrate", (sys.executable, "-c", ENDS), {})


def test_deaf_services_are_killed_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisors, "STOP_SECONDS", 0.2)
    log = tmp_path / "deaf.log"
    running = [process.start([sys.executable, "-c", DEAF], log=log) for _ in range(2)]
    assert wait_until(lambda: log.read_text().count("deaf") == len(running), 60)
    supervisors.end_together(running)
    assert not clones.living({one.pid for one in running})


def test_child_of_a_process_that_is_gone_ends_at_once() -> None:
    """Between fork and the request to the kernel the parent may end; nobody would tell the child then."""
    program = "from config.embedded.process import die_with_parent; die_with_parent(parent=1 << 30); print('alive')"
    ended = clones.run_here(program)
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "")


def test_child_ends_with_the_process_that_forked_it() -> None:
    program = """
import os, time
from config.embedded.process import die_with_parent
reads, writes = os.pipe()
if os.fork() == 0:
    die_with_parent()
    print(os.getpid(), flush=True)
    os.write(writes, b"ready")
    time.sleep(60)
os.read(reads, 5)
os.kill(os.getpid(), 9)
"""
    ended = clones.run_here(program)
    assert wait_until(lambda: not clones.living({int(ended.stdout)}), 60)
