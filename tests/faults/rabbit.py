"""A private RabbitMQ, where one is installed: its own folder, name and ports, beside whatever else runs here."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from kombu import Connection

from config.embedded import process

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's own starter insists on its user and its folders
QUEUES = ("operations", "housekeeping", "deliveries")
START_SECONDS = 60.0


class Rabbit:
    """One node; it keeps its data from one start to the next."""

    def __init__(self, folder: Path, ports: tuple[int, int, int]) -> None:
        self.folder = folder
        self.port, self.distribution, self.names = ports
        folder.mkdir()
        (folder / "plugins").write_text("[].")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def environment(self) -> dict[str, str]:
        here = {
            "HOME": ".",
            "RABBITMQ_MNESIA_BASE": "data",
            "RABBITMQ_LOG_BASE": "log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": "plugins",
            "RABBITMQ_CONF_ENV_FILE": "none",
            "RABBITMQ_CONFIG_FILE": "none",
            "RABBITMQ_PID_FILE": "pid",
        }
        return {
            "PATH": os.environ["PATH"],
            "RABBITMQ_NODENAME": f"tests{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "ERL_EPMD_PORT": str(self.names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            **{name: str(self.folder / value) for name, value in here.items()},
        }

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the node, and its name server in the same group, so that both end together."""
        # A name server that the node starts itself would become a daemon and outlive it.
        command = f'epmd -port {self.names} & exec "{SERVER}"'
        log = self.folder.parent / "log" / "rabbitmq.log"
        server = process.start(["/bin/sh", "-c", command], log=log, env=self.environment(), cwd=self.folder)
        process.wait_until(lambda: server.poll() is not None or self.answers(), START_SECONDS, 0.1)
        assert server.poll() is None, log.read_text()
        return server

    def answers(self) -> bool:
        with suppress(OSError), Connection(self.url, connect_timeout=1) as connection:
            connection.connect()
            return True
        return False

    def empty(self) -> None:
        with Connection(self.url, connect_timeout=5) as connection:
            channel: Any = connection.channel()
            for queue in QUEUES:
                channel.queue_purge(queue)


def free_ports() -> tuple[int, int, int]:
    """Three that differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    first, second, third = (int(one.getsockname()[1]) for one in sockets)
    for one in sockets:
        one.close()
    return first, second, third
