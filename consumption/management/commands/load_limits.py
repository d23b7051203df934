"""`manage.py load_limits`: limits and transaction sources from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consumption import limit_files
from hypermedia.errors import DomainError, RuleBroken, printable
from hypermedia.parsers import parse_json


class Command(BaseCommand):
    help = "Creates and updates the limits or transaction sources that a JSON file defines: all of them, or none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            type=Path,
            help='[{"code", "description", "type", "currency", "reference", "planYearStart", "maximum"}] for limits, '
            '[{"code", "description"}] for sources, or {"limits": [...], "transactionSources": [...]}',
        )

    def handle(self, *_: Any, file: Path, **__: Any) -> None:
        try:
            stored = limit_files.store(document=parse_json(file.read_bytes()))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except RuleBroken as error:
            rules = (f"{message.pointer or '/'}: {message.text} ({message.code})" for message in error.messages)
            raise CommandError("\n".join((f"{file} was not stored:", *map(printable, rules)))) from error
        except DomainError as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(f"{stored.created} created, {stored.updated} updated, {stored.unchanged} unchanged")
