"""A private RabbitMQ node for tests: its own folder, ports and name service, gone when the test is.

Needs Debian's package `rabbitmq-server`; its system-wide service is neither used nor touched.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kombu import Connection

from config.embedded import process
from tests.needs import needs

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
QUEUES = ("operations", "housekeeping", "deliveries")
START_SECONDS = 120.0  # a loaded machine takes its time to start Erlang

needs_rabbitmq = needs("rabbitmq-server", (PROGRAMS / "rabbitmq-server").exists())


class RabbitMQ:
    """One node in `folder`. What is durable outlives its end."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log = folder, log
        self.port, self._distribution, self._names = free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._server: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plugins").write_text("[].\n")
        # Nothing of the machine's disk or memory may stop the publishers of a test.
        (folder / "rabbitmq.conf").write_text(
            "disk_free_limit.absolute = 1MB\nvm_memory_high_watermark.relative = 0.9\n"
        )

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the node and waits until it takes connections."""
        self._server = server = process.start([PROGRAMS / "rabbitmq-server"], log=self.log, env=self.environment())
        process.wait_until(lambda: server.poll() is not None or self.answers(), START_SECONDS, 0.1)
        assert self.answers(), self.log.read_text(errors="replace")[-3000:]
        return server

    def kill(self) -> None:
        """As a crash: the whole group at once."""
        if self._server is not None:
            process.kill_group(self._server)

    def control(self, *arguments: str) -> str:
        """What `rabbitmqctl` says."""
        done = subprocess.run(
            [PROGRAMS / "rabbitmqctl", "--quiet", *arguments],
            env=self.environment(), capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    def answers(self) -> bool:
        """Whether it speaks: it hangs up on this greeting with its own."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x00\x00")
                return connection.recv(4) == b"AMQP"
        except OSError:
            return False

    def environment(self) -> dict[str, str]:
        here = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "HOME": here,  # where Erlang keeps its cookie
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": f"tallyport-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{here}/config",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # Makes the script become the node instead of its parent, so that the node hears of our end and of signals.
            "RUNNING_UNDER_SYSTEMD": "true",
            "ERL_EPMD_PORT": str(self._names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def empty(self) -> None:
        """Every message of the service is lost; its queues stay."""
        with Connection(self.url, connect_timeout=5) as connection:
            channel: Any = connection.channel()
            for queue in QUEUES:
                channel.queue_purge(queue)


@contextmanager
def rabbitmq(folder: Path, log: Path) -> Iterator[RabbitMQ]:
    """A node to start, and its name service, which Erlang would otherwise leave behind."""
    node = RabbitMQ(folder, log)
    epmd = shutil.which("epmd")
    assert epmd is not None, "Erlang brings it"
    names = process.start([epmd], log=None, env=node.environment())
    try:
        yield node
    finally:
        node.kill()
        process.kill_group(names)


def free_ports(number: int) -> list[int]:
    """Below those that the system gives to outgoing connections: one of them would take the port of a program that is
    being started again."""
    found: list[int] = []
    while len(found) < number:
        port = secrets.choice(range(10_000, 32_000))
        with suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            found = [*{*found, port}]
    return found
