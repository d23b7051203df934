"""`manage.py load_consumptions`: consumptions from a file of JSON lines."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from consumption import ledger
from consumption.ledger import LinesBroken, Row
from hypermedia.errors import DomainError, Malformed, printable
from hypermedia.parsers import parse_json


class Command(BaseCommand):
    help = (
        "Writes the consumptions of a file, one JSON object a line, to the ledger: all of them, or none. "
        "What the ledger has already is not written again: an entry is known by its externalId and source, or else by "
        "the file's content and its line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="consumptions as POST limitconsumptions takes them, one a line")

    def handle(self, *_: Any, file: Path, **__: Any) -> None:
        try:
            with file.open("rb") as source:
                sha256 = hashlib.file_digest(source, "sha256").hexdigest()
                source.seek(0)
                with progress_of(source) as rows:
                    posted = ledger.write(rows=rows, sha256=sha256)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except LinesBroken as error:
            raise CommandError("\n".join((f"{file} was not written:", *complaints(error)))) from error
        except DomainError as error:
            raise CommandError(f"{file} was not written: {error}") from error
        self.stdout.write(
            f"{posted.consumptions:,} consumptions written to {posted.periods:,} counter periods"
            f" ({posted.new_counters:,} new counters)"
            + (f"; {posted.unchanged:,} were there already" if posted.unchanged else "")
        )


def complaints(error: LinesBroken) -> Iterator[str]:
    """One line for each broken rule that was kept."""
    for line, message in error.lines:
        where = f"line {line}, {message.pointer}" if message.pointer else f"line {line}"
        yield printable(f"{where}: {message.text} ({message.code})")
    if error.count > len(error.lines):
        yield f"and {error.count - len(error.lines):,} more"


@contextmanager
def progress_of(source: BinaryIO) -> Iterator[Iterator[Row]]:
    """The rows of an open file, and a bar that shows how much of it is read; only where somebody watches."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("checking", total=os.fstat(source.fileno()).st_size)

        def rows() -> Iterator[Row]:
            for row in read_rows(source):
                if row.line % 1000 == 0:
                    progress.update(task, completed=source.tell())
                yield row
            progress.update(task, description="writing", total=None)

        yield rows()


def read_rows(source: BinaryIO) -> Iterator[Row]:
    """Line by line, so that a file of any size fits; blank lines are passed over."""
    longest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    line = 0
    while text := source.readline(longest + 1):
        line += 1
        if len(text) > longest:
            yield Row(line, Malformed(f"The line is longer than {longest} bytes; the rest was not read."))
            return
        if not text.isspace():
            yield Row(line, parsed(text))


def parsed(text: bytes) -> Any | Malformed:
    """The object of a line, or why there is none."""
    try:
        return parse_json(text.strip())
    except Malformed as error:
        return error
