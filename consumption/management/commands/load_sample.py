"""`manage.py load_sample`: consumptions to develop and to measure with."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from consumption import sample
from hypermedia.errors import DomainError


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ArgumentTypeError("give a whole number from 1")
    return int(text)


class Command(BaseCommand):
    help = "Fills the ledger with sample data, the same for the same number, unless it is there already."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--consumptions", type=positive, default=200_000, metavar="N", help="how many (default: %(default)s)"
        )

    def handle(self, *_: Any, consumptions: int, **__: Any) -> None:
        if not settings.DEVELOPMENT:
            raise CommandError("Sample data is for development: nothing ever leaves the ledger again.")
        if sample.is_there():
            self.stdout.write("The sample data is there already; nothing was changed.")
            return
        self.stdout.write(f"making {consumptions:,} sample consumptions")
        began = time.monotonic()
        try:
            posted = sample.make(rows=consumptions, tell=self.tell)
        except DomainError as error:
            raise CommandError(f"The sample was not made: {error}") from error
        self.stdout.write(
            f"made {posted.consumptions:,} consumptions of {posted.new_counters:,} counters"
            f" in {posted.periods:,} periods in {time.monotonic() - began:.1f} s"
        )

    def tell(self, what: str) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r  {what:<20}\r", ending="")
            self.stdout.flush()
