"""Whether this process was told to stop, for what goes on for long in a thread and can end between two steps."""

from __future__ import annotations

import threading

told = threading.Event()
