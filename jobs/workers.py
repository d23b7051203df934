"""Who runs a task: the worker that holds its lease, and the thread that is at work."""

from __future__ import annotations

import os
import secrets
import socket
import threading

# The worker: made once in its main process, before it forks, so that all its children carry the same name and no
# other worker does. Host and process id alone are not enough: in containers every worker is process 1.
OWNER = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def thread_code() -> str:
    """`host-process ( thread )` of the attempt that is being made."""
    thread = threading.current_thread()
    name = "main" if thread is threading.main_thread() else thread.name
    return f"{socket.gethostname()}-{os.getpid()} ( {name} )"
