"""Starts the services, shows their logs, looks after them, and ends all of them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

from config.embedded import process
from config.embedded.place import Place
from config.embedded.process import ServiceError
from config.supervisor.child import Child, how
from config.supervisor.logs import COLOURS, Tail, say
from config.supervisor.services import Service

READY_SECONDS = 60.0
STOP_SECONDS = 4.5  # for all services together; with what broker and database may take it stays below ten
TICK_SECONDS = 0.1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Process = subprocess.Popen[bytes]


class Supervisor:
    """Everything that runs, in the order of its start. A context manager: leaving it ends all of it.

    Inside it, whatever asks us to stop is a KeyboardInterrupt.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.private: dict[str, tuple[Process, Callable[[Process], None]]] = {}
        self.children: list[Child] = []
        self.tails: list[Tail] = []
        self.colours = cycle(COLOURS)

    def __enter__(self) -> Supervisor:
        # SIGINT even where it is ignored, as in the background jobs of a shell; SIGHUP not, because of nohup.
        for signum in SIGNALS:
            if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:
                signal.signal(signum, signal.default_int_handler)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_IGN)
        if kind is ServiceError:
            self.show_logs()
        end_together([child.process for child in reversed(self.children)])
        for running, stop in reversed(self.private.values()):
            stop(running)
        if self.children or self.private:
            say("up", "everything has ended")

    def keep(self, name: str, running: Process, stop: Callable[[Process], None]) -> None:
        """Take over a private service that was just started."""
        self.private[name] = (running, stop)
        say("up", f"{name} is ready")

    def start(self, services: Sequence[Service], environment: Mapping[str, str]) -> None:
        """Start all, then wait until each is ready.

        Raises:
            ServiceError: one ended, or was not ready in time.
        """
        for service in services:
            self.children.append(Child(service, self.followed(service.name).path, environment))
        for child in self.children:
            if not self.wait_for(child.is_ready, READY_SECONDS):
                raise ServiceError(
                    f"{child.service.name} was not ready within {READY_SECONDS:.0f} seconds; see {child.log}."
                )
            say("up", f"{child.service.name} is ready")

    def run(self, name: str, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a program to its end, its output shown like a service's.

        Raises:
            ServiceError: its exit code was not 0.
        """
        log = self.followed(name).path
        running = process.start(argv, log=log, env=environment)
        try:
            self.wait_for(lambda: running.poll() is not None)
        finally:
            process.kill_group(running)
        if running.returncode != 0:
            raise ServiceError(f"{name} failed ({how(running.returncode)}); see {log}.")

    def run_on_terminal(self, argv: Sequence[str], environment: Mapping[str, str]) -> int:
        """Run a program that has the terminal to itself, and return its exit code. The logs are shown afterwards."""
        running = process.start(argv, log=None, env=environment)
        tails, self.tails = self.tails, []
        try:
            self.wait_for(lambda: running.poll() is not None)
        finally:
            process.kill_group(running)
            self.tails = tails
        return running.returncode

    def watch(self) -> None:
        """Look after everything until somebody asks us to stop.

        Raises:
            ServiceError: something ended without which nothing works.
        """
        self.wait_for(lambda: False)

    def wait_for(self, done: Callable[[], bool], seconds: float = float("inf")) -> bool:
        """Look after everything until `done`; False when `seconds` have passed."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            self.look_after()
            time.sleep(TICK_SECONDS)
        return True

    def look_after(self) -> None:
        self.show_logs()
        for name, (running, _) in self.private.items():
            if running.poll() is not None:
                raise ServiceError(f"{name} ended by itself ({how(running.returncode)}); see {self.place.var / 'log'}.")
        for child in self.children:
            child.look_after()

    def followed(self, name: str) -> Tail:
        """From now on show what is added to this log."""
        self.tails.append(Tail(name, self.place.log(name), next(self.colours)))
        return self.tails[-1]

    def show_logs(self) -> None:
        for tail in self.tails:
            tail.show()


def end_together(running: Sequence[Process]) -> None:
    """Ask all to stop in the given order, wait for all, and kill what is left of them."""
    for one in running:
        if one.poll() is None:
            one.send_signal(signal.SIGTERM)
    process.wait_until(lambda: all(one.poll() is not None for one in running), STOP_SECONDS)
    for one in running:
        process.kill_group(one)
