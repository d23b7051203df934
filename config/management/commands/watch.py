"""`manage.py watch URL`: follow an operation that somebody started, and fetch its files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.client import arguments
from config.client.main import Run


class Command(BaseCommand):
    help = "Follow an operation to its end by its address; with -o also download and check its files."
    requires_system_checks = []  # it needs the server, not the database

    def add_arguments(self, parser: CommandParser) -> None:
        arguments.prepare(parser)
        parser.add_argument("url", metavar="URL", help="of an operation, its monitor, its task, or a data file set")
        parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="where the files go")

    def handle(self, *, url: str, user: str | None, output: Path | None, **_: Any) -> None:
        run = Run(url, user)
        sys.exit(run.run(lambda: run.watch(url, output), self.stdout.write))
