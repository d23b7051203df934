"""Named places where a test can end or hold up a process: `hit("claimed")` in the code, a file of that name to arm it.

In production `hit` does nothing: the settings refuse FAILPOINTS there. With it, a failpoint looks for a file of its
name in that folder. Whoever removes the file acts, so each file acts once, in whichever process comes by first. The
file's text is the action:

    kill            SIGKILL to this process
    terminate       SIGTERM to the program it belongs to, as a service manager sends it
    freeze SECONDS  the whole process stands still, every thread of it, and goes on afterwards
    fail            an exception that nobody expects
    fail NAME       the operating system's error (ENOSPC), or Python's exception (MemoryError), of that name
"""

from __future__ import annotations

import builtins
import errno
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

_END_SECONDS = 2.0  # how long a process that was told to end waits for it at the failpoint


class FailpointError(Exception):
    """What `fail` raises."""


def _pass(name: str) -> None:
    """What `hit` is in production."""


def _armed(folder: Path) -> Callable[[str], None]:
    def hit(name: str) -> None:
        action, *arguments = _take(folder / name) or ["pass"]
        if action != "pass":
            _ACTIONS[action](*arguments)

    return hit


def _take(file: Path) -> list[str]:
    """The words of the file, for the one process that removes it; nothing for all others."""
    try:
        words = file.read_text().split()
        file.unlink()
    except FileNotFoundError:
        return []
    return words


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _terminate() -> None:
    os.kill(os.getpgrp(), signal.SIGTERM)  # the first process of the group; it ends its children itself
    time.sleep(_END_SECONDS)


def _freeze(seconds: str) -> None:
    me = str(os.getpid())
    subprocess.Popen(["/bin/sh", "-c", 'sleep "$0"; kill -CONT "$1"', seconds, me], start_new_session=True)  # noqa: S603
    # To this thread: what is sent to the process may be noticed by another one first, while this one goes on.
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)


def _fail(name: str = "") -> None:
    if not name:
        raise FailpointError("a failpoint")
    if number := getattr(errno, name, None):
        raise OSError(number, os.strerror(number))
    raise getattr(builtins, name)


_ACTIONS: dict[str, Callable[..., None]] = {"kill": _kill, "terminate": _terminate, "freeze": _freeze, "fail": _fail}

hit: Callable[[str], None] = _armed(Path(settings.FAILPOINTS)) if settings.FAILPOINTS else _pass
