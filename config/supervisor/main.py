"""The order of things in `manage.py up`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from config.embedded import broker, folders, place, postgres
from config.embedded.place import Place
from config.embedded.process import die_with_parent, file_errors_told
from config.supervisor import checks, environment, lock, logs, welcome
from config.supervisor.environment import Address
from config.supervisor.services import PYTHON, all_services, emulator
from config.supervisor.supervisor import Supervisor

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Options:
    port: int
    workers: int
    sample: int  # consumptions to make when there are none
    once: bool  # end after the demonstration instead of serving on


def up(options: Options) -> int:
    """Run everything until somebody stops it, or until the demonstration is over; the exit code.

    Raises:
        ServiceError: something cannot run. By then nothing of it runs any more.
    """
    if "MAKELEVEL" in os.environ:
        die_with_parent(signal.SIGTERM, os.getppid())  # a killed `make` cannot tell us
    here = place.of(settings.BASE_DIR)
    try:
        with lock.held(here.lock), Supervisor(here) as supervisor, file_errors_told():
            return serve(supervisor, here, options)
    except KeyboardInterrupt:
        return 130 if options.once else 0


def serve(supervisor: Supervisor, here: Place, options: Options) -> int:
    address = environment.address(options.port)
    checks.port_is_free(address)
    logs.set_aside(here.var / "log")
    variables = environment.of_children(here, port=options.port, development=settings.DEVELOPMENT)
    start_private_services(supervisor, here)
    prepare(supervisor, here, variables, options)
    start_services(supervisor, here, variables, address, options.workers)
    if not settings.DEVELOPMENT:
        supervisor.watch()
    exit_code = demonstrate(supervisor, here, variables)
    if exit_code != 0 or not options.once:
        supervisor.show_logs()
    if options.once:
        logs.say("up", "that was all; `make run` does the same and serves on")
        return exit_code
    welcome.show(here, variables, demonstrated=exit_code == 0)
    supervisor.watch()
    return 0


def start_private_services(supervisor: Supervisor, here: Place) -> None:
    """A database and a broker of our own, unless the environment names others; those must be there."""
    if environment.given("DATABASE_URL"):
        checks.database_is_there()
    if environment.given("CELERY_BROKER_URL"):
        checks.broker_is_there(settings.CELERY_BROKER_URL)
    if not environment.given("DATABASE_URL"):
        folders.prepare(here)
        supervisor.keep("database", postgres.start(here), postgres.stop)
    if not environment.given("CELERY_BROKER_URL"):
        folders.prepare(here)
        supervisor.keep("broker", broker.start(here), broker.stop)


def prepare(supervisor: Supervisor, here: Place, variables: Environment, options: Options) -> None:
    """Bring the tables, in development also the users and the sample, to where they should be."""
    manage = (sys.executable, str(settings.BASE_DIR / "manage.py"))
    if not settings.DEVELOPMENT:
        supervisor.run("migrate", (*manage, "migrate", "--no-input"), variables)
        return
    environment.write(here.environment_file, variables)
    supervisor.run("prepare", (*manage, "prepare_development", "--sample", str(options.sample)), variables)


def start_services(supervisor: Supervisor, here: Place, variables: Environment, address: Address, workers: int) -> None:
    for schedule in here.run.glob("beat*"):
        schedule.unlink()  # when it is there again, beat is ready
    (here.run / "emulator").unlink(missing_ok=True)
    public_url = variables.get("PUBLIC_URL", settings.PUBLIC_URL)
    services = all_services(address, public_url=public_url, workers=workers, run=here.run)
    supervisor.start([*services, *([emulator(here.run)] if settings.DEVELOPMENT else [])], variables)


def demonstrate(supervisor: Supervisor, here: Place, variables: Environment) -> int:
    """One export through the public API; the exit code says whether all of it was right."""
    arguments = ("--url", variables["PUBLIC_URL"], "--exports", str(here.exports))
    return supervisor.run_on_terminal((*PYTHON, "config.demo", *arguments), variables)
