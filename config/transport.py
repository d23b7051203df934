"""How long Celery waits for its broker, and what it has to confirm."""

from __future__ import annotations

from typing import Any


def options(*, url: str, time_limit: int) -> dict[str, Any]:
    """`time_limit`: seconds of one task at most; a message is not handed out again while it may still be worked on."""
    # A broker that refuses is told to whoever publishes at once; workers have their own patience.
    common = {"max_retries": 1, "interval_start": 0}
    if url.startswith("amqp"):
        return {**common, "confirm_publish": True}
    return {
        **common,
        "visibility_timeout": time_limit + 3600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
    }
