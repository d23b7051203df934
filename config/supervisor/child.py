"""One service that runs: its process, and what to do when that ends by itself."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from config.embedded import process
from config.embedded.process import ServiceError
from config.supervisor.logs import say
from config.supervisor.services import Service

LONGEST_PAUSE = 30.0  # seconds between two starts of a service that keeps ending
STEADY_SECONDS = 60.0  # after running this long, the next end counts as the first again


class Child:
    """A service and its process, started by the constructor."""

    def __init__(self, service: Service, log: Path, environment: Mapping[str, str]) -> None:
        self.service, self.log, self.environment = service, log, environment
        self.was_ready = False
        self.pause = 1.0
        self.start_again_at: float | None = None
        self.start()

    def start(self) -> None:
        self.process: subprocess.Popen[bytes] = process.start(self.service.argv, log=self.log, env=self.environment)
        self.started_at = time.monotonic()
        self.start_again_at = None

    def is_ready(self) -> bool:
        self.was_ready = self.was_ready or self.service.is_ready()
        return self.was_ready

    def look_after(self) -> None:
        """Start the service again, some time after it ended.

        Raises:
            ServiceError: it ended and nothing works without it, or it never was ready.
        """
        if self.start_again_at is not None:
            if time.monotonic() >= self.start_again_at:
                self.start()
        elif self.process.poll() is not None:
            self.ended()

    def ended(self) -> None:
        process.kill_group(self.process)
        story = f"{self.service.name} ended by itself ({how(self.process.returncode)})"
        if self.service.vital or not self.was_ready:
            raise ServiceError(f"{story}; see {self.log}.")
        if time.monotonic() - self.started_at > STEADY_SECONDS:
            self.pause = 1.0
        say("up", f"{story}; it starts again in {self.pause:.0f} s", "bold red")
        self.start_again_at = time.monotonic() + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE)


def how(returncode: int) -> str:
    return signal.Signals(-returncode).name if returncode < 0 else f"exit code {returncode}"
