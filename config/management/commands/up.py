"""`manage.py up`: everything on this machine, with one command."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.embedded.process import ServiceError
from config.supervisor.main import Options, up


class Command(BaseCommand):
    help = (
        "Runs web server, workers and scheduler until it is stopped; without DATABASE_URL or CELERY_BROKER_URL also a "
        "private PostgreSQL or broker. In development it makes users and sample data and shows one export."
    )
    requires_system_checks = []  # the database may not run yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="of the web server (default: %(default)s)")
        parser.add_argument("--workers", type=int, default=2, help="exports at a time (default: %(default)s)")
        parser.add_argument(
            "--sample",
            type=int,
            default=200_000,
            metavar="N",
            help="consumptions to make when there are none (default: %(default)s); development only",
        )
        parser.add_argument(
            "--once", action="store_true", help="end after the one export, with exit code 0 if all of it was right"
        )

    def handle(self, *_: Any, port: int, workers: int, sample: int, once: bool, **__: Any) -> None:
        if once and not settings.DEVELOPMENT:
            sys.exit("--once shows an export of sample data: development only.")
        try:
            sys.exit(up(Options(port=port, workers=workers, sample=sample, once=once)))
        except ServiceError as error:
            sys.exit(str(error))
