"""One `up` per clone: the one that runs holds a lock, which the kernel lets go however it ends."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from config.embedded.process import ServiceError, file_errors_told, wait_until


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold the lock and leave our process id in it.

    Raises:
        ServiceError: another process holds it.
    """
    with opened(lock) as file:
        if not acquire(file):
            file.seek(0)
            raise ServiceError(f"It already runs here (process {file.read().strip()}): `make stop` ends it.")
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)


def opened(lock: Path) -> IO[str]:
    with file_errors_told():
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock.open("a+")


def acquire(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def end_holder(lock: Path, seconds: float = 15) -> bool:
    """Ask the process that holds the lock to stop and wait until it has; False when none does.

    Raises:
        ServiceError: it does not stop within `seconds`.
    """
    if not lock.exists():
        return False
    with opened(lock) as file:
        if acquire(file):
            return False
        file.seek(0)
        holder = int(file.read().strip() or 0)
        if holder:
            with suppress(ProcessLookupError):
                os.kill(holder, signal.SIGTERM)
        if not wait_until(lambda: acquire(file), seconds, pause=0.1):
            raise ServiceError(f"Process {holder} does not stop: `kill -9 {holder}` ends it and all that it started.")
    return True
