"""What Celery beat knocks for, and how often. What is due is decided by whoever is knocked for."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

# A worker judges by its own clock whether a message is too old: one whose clock is some hours off must not throw all of
# them away. Those of a day without workers do no harm either: the second of two finds nothing to do.
_EXPIRES_SECONDS = 24 * 3600


def schedule(*, sweep_seconds: float, publish_seconds: float) -> dict[str, dict[str, Any]]:
    knocks: dict[str, tuple[str, Any]] = {
        "sweep": ("jobs.tasks.sweep", sweep_seconds),
        "notifications": ("jobs.notifications.tasks.sweep", sweep_seconds),
        "forget-notifications": ("jobs.notifications.tasks.forget", 3600.0),
        "forget-callbacks": ("jobs.callbacks.tasks.forget", 600.0),
        "forget-audit": ("audit.tasks.forget", 600.0),
        "forget-logins": ("config.tasks.forget_logins", 3600.0),
        "forget": ("jobs.tasks.forget", 600.0),
        "plan": ("consumption.schedules.tasks.plan", crontab()),  # each minute, at its beginning
        "forget-runs": ("consumption.schedules.tasks.forget", 3600.0),
        "tidy": ("datafiles.tasks.tidy", 3600.0),
        "purge-files": ("datafiles.tasks.purge", 600.0),
    }
    options = {"expires": _EXPIRES_SECONDS, "confirm_timeout": publish_seconds}
    return {name: {"task": task, "schedule": often, "options": options} for name, (task, often) in knocks.items()}
