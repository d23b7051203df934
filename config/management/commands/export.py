"""`manage.py export`: one export from a server, here or anywhere, as files in a folder."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.client import arguments
from config.client.following import export_request
from config.client.main import Run


class Command(BaseCommand):
    help = "Export consumptions and counters from a server, follow the work, and download and check the files."
    requires_system_checks = []  # it needs the server, not the database

    def add_arguments(self, parser: CommandParser) -> None:
        arguments.prepare(parser)
        arguments.add_server(parser)
        parser.add_argument(
            "--limit", action="append", metavar="CODE", dest="limits", help="may be repeated; without it all limits"
        )
        parser.add_argument("--from", required=True, type=arguments.beginning, metavar="MOMENT", dest="start")
        parser.add_argument(
            "--to", required=True, type=arguments.end, metavar="MOMENT", dest="end", help="inclusive, as --from is"
        )
        parser.add_argument("--format", help="ndjson, csv or parquet; the server's default without it")
        parser.add_argument("--compression", help="none, gzip or zstd; the server's default without it")
        parser.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="where the files go")

    def handle(
        self,
        *,
        server: str,
        user: str | None,
        limits: list[str] | None,
        start: datetime,
        end: datetime,
        format: str | None,
        compression: str | None,
        output: Path,
        **_: Any,
    ) -> None:
        run = Run(server, user)
        request = export_request(limits, start, end, format, compression)
        sys.exit(run.run(lambda: run.export(request, output), self.stdout.write))
