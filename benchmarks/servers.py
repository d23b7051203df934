"""What rows start: a private PostgreSQL and broker, thrown away at the end, and programs of the service."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

from benchmarks.rows import NotInstalled
from config.embedded import broker, folders, place, postgres, process, programs
from config.embedded.place import Place
from tests.services import temporary_folder

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60
_running: list[Place] = []


def here() -> Place:
    """Where the servers of this run live."""
    return _running[-1]


@contextmanager
def servers() -> Iterator[Place]:
    """PostgreSQL and broker as `make run` starts them, durable and with its settings; their addresses are put into the
    environment. To be entered before Django reads its settings."""
    with ExitStack() as stack:
        own = place.throwaway(temporary_folder(stack))
        folders.prepare(own)
        stack.callback(postgres.stop, postgres.start(own))
        stack.callback(broker.stop, broker.start(own))
        os.environ |= {
            "ENVIRONMENT": "development",
            "DATABASE_URL": own.database_url,
            "CELERY_BROKER_URL": own.broker_url,
            "DATA_FILES_DIR": str(own.var / "files"),
            "LOG_LEVEL": "WARNING",
            # One user asks for everything here; how much that is, is what is measured.
            **dict.fromkeys(("REQUESTS_PER_MINUTE", "POLLS_PER_MINUTE", "ACTIVE_OPERATIONS_PER_CLIENT"), "0"),
        }
        _running.append(own)
        yield own


@contextmanager
def program(
    name: str, *, port: int, workers: int = 1, options: Sequence[str] = (), **settings: str
) -> Iterator[Popen[bytes]]:
    """`web`, `worker`, `keeper` or `beat`, started by the command that `make run` uses, and ready.

    `options` follow its command, `settings` are variables of its environment. It works on the database that
    `ledgers.use` chose last.
    """
    from config.supervisor.environment import NO_NEWS, Address
    from config.supervisor.services import all_services

    address, url = Address("127.0.0.1", port), f"http://127.0.0.1:{port}"
    services = all_services(address, public_url=url, workers=workers, run=here().run)
    service = next(each for each in services if each.name == name)
    environment = {"PYTHONWARNINGS": NO_NEWS, "REMAP_SIGTERM": "SIGQUIT", "PORT": str(port), "PUBLIC_URL": url}
    environment = {**os.environ, **environment, **settings}
    running = process.start((*service.argv, *options), log=here().log(name), env=environment, cwd=ROOT)
    try:
        if not process.wait_until(lambda: running.poll() is not None or service.is_ready(), READY_SECONDS, 0.1):
            raise process.ServiceError(f"{name} did not become ready; see {here().log(name)}")
        yield running
    finally:
        process.kill_group(running)


def postgres_program(name: str) -> Path:
    """A client program of the same PostgreSQL. Raises NotInstalled."""
    found = programs.postgres(here()) / name
    if not os.access(found, os.X_OK):
        raise NotInstalled(f"{name} is not beside the server in {found.parent}")
    return found
