"""Child processes that never outlive us, and how to end them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

from config.embedded.place import Account

PR_SET_PDEATHSIG = 1
IMPORTED_BY = os.getpid()  # in a forked child: the process that forked it

# Loaded here because nothing may be loaded between fork and exec. None where there is no prctl (macOS).
libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServiceError(Exception):
    """A service cannot run; the text is one line for people."""


@contextmanager
def file_errors_told() -> Iterator[None]:
    """Turn an OSError into a ServiceError that names the file."""
    try:
        yield
    except OSError as error:
        raise ServiceError(
            f"{error.filename} cannot be used: {error.strerror}." if error.filename else str(error)
        ) from error


def die_with_parent(signum: int = signal.SIGKILL, parent: int | None = None) -> None:
    """Have the kernel send us `signum` when the process that forked us ends, however it ends.

    To be called in a forked child. `parent` is the process expected to be ours, by default the one that imported
    this module. Only the thread that forked counts as the parent. Does nothing where the kernel has no such thing.
    """
    if libc is None or libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0) != 0:
        return
    expected = IMPORTED_BY if parent is None else parent
    if expected != os.getpid() and os.getppid() != expected:  # it ended before the kernel knew
        os.kill(os.getpid(), signum)


def start(
    argv: Sequence[str | Path],
    *,
    log: Path | None,
    account: Account | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    death_signal: int = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a program in its own session, its output added to `log` or to ours; it gets `death_signal` when we end.

    To be called from the main thread: the kernel takes the end of the calling thread for the end of the parent.

    Raises:
        ServiceError: it, or its log, cannot be opened.
    """
    with file_errors_told(), ExitStack() as opened:
        output = opened.enter_context(opened_log(log)) if log else None
        return subprocess.Popen(  # noqa: S603
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            cwd=cwd,
            env=env,
            start_new_session=True,
            # The one place after the change of user, which clears the death signal, and before exec.
            preexec_fn=partial(die_with_parent, death_signal, os.getpid()),  # noqa: PLW1509
            **identity(account),
        )


def opened_log(log: Path) -> IO[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def identity(account: Account | None) -> dict[str, Any]:
    """The arguments of `subprocess` that run a program as `account`; none when that is who we are."""
    if account is None or account.uid == os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def stop(process: subprocess.Popen[bytes], *steps: tuple[int, float]) -> None:
    """Send each `(signal, seconds to wait)` until the process has ended, then kill what is left of its group."""
    for signum, seconds in steps:
        if process.poll() is None:
            process.send_signal(signum)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the process and everything it forked into its group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(ready: Callable[[], bool], seconds: float, pause: float = 0.02) -> bool:
    """Ask `ready` until it says yes; False when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
