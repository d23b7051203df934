"""Writing consumptions: one, or many at once, all of them or none. What is written already is not written again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from django.db import DataError, transaction
from django.db import connection as django_connection
from psycopg import Connection

from audit.services import record
from consumption import posting, settling, staging
from consumption.models import Consumption, InputFile
from consumption.posting import Posted
from consumption.rows import Catalogue, read_row
from consumption.staging import StagedRow
from hypermedia.errors import Conflict, DomainError, ResultMessage, RuleBroken

CHUNK = 2_000  # rows in memory at a time
LISTED = 1_000  # broken rules that are kept; of the others only the number


class Row(NamedTuple):
    """A consumption of the input: its line, counted from 1, and its JSON object, or why that could not be read."""

    line: int
    content: Any | DomainError


class BrokenLine(NamedTuple):
    """A rule that a line breaks."""

    line: int
    message: ResultMessage


class LinesBroken(RuleBroken):
    """Some lines cannot be written, so none was. `lines` lists the first thousand broken rules of `count`."""

    def __init__(self, lines: Sequence[BrokenLine], count: int) -> None:
        super().__init__(*(ResultMessage(m.code, f"Line {line}: {m.text}", m.pointer) for line, m in lines))
        self.lines = lines
        self.count = count


@dataclass(frozen=True)
class Entered:
    """The entry of a single consumption; whether it is new."""

    id: int
    is_new: bool


def write(*, rows: Iterable[Row], sha256: str | None = None) -> Posted:
    """Writes consumptions in the shape of contract section 4 to the ledger, in one transaction.

    Everything is read and checked first. Transaction id and date-time are set by the database. What the ledger has
    already, by its external id or by the `sha256` of the file and its line, is not written again; other rows are. Not
    twice in one transaction of the caller: two such writers could wait for each other.

    Raises:
        LinesBroken: with every broken rule of every line.
        Conflict: a limit was changed while the rows came in. Try again.
    """
    catalogue = Catalogue.current()
    with _session() as connection, staging.table(connection):
        _stage(connection, rows, catalogue)
        with transaction.atomic():
            _hold_references(connection, catalogue)
            posted = _post(connection, input_file=file_of(sha256))
            if posted.refused:
                lines = [BrokenLine(*each) for each in sorted(posted.refused)]
                raise LinesBroken(lines[:LISTED], len(lines))
            return posted


@transaction.atomic
def enter(*, user_id: int, content: Any) -> Entered:
    """Writes one consumption; the same once more changes nothing.

    Raises RuleBroken with every rule that it breaks; Conflict when its external id has other content already.
    """
    catalogue = Catalogue.current()
    row = read_row(0, content, catalogue)
    with _session() as connection, staging.table(connection):
        staging.add(connection, [row])
        _hold_references(connection, catalogue)
        posted = _post(connection)
    for _, message in posted.refused:
        if message.code == settling.OTHER_CONTENT:
            raise Conflict(message.text, code=message.code, pointer=message.pointer)
        raise RuleBroken(message)
    if posted.first_id is not None:
        record("data.write", user_id=user_id, subject=f"generic/consumptions/{posted.first_id}")
        return Entered(posted.first_id, is_new=True)
    key = {name: getattr(row, name) for name in ("limit_id", "external_id", "transaction_source_id")}
    return Entered(Consumption.objects.values_list("pk", flat=True).get(**key), is_new=False)


def file_of(sha256: str | None) -> int | None:
    """The id of the file with this content; it is made when it is new."""
    return None if sha256 is None else InputFile.objects.get_or_create(sha256=sha256)[0].pk


def references_stand(connection: Connection[Any], catalogue: Catalogue) -> bool:
    """Holds the limits of the staged rows; whether they count by the periods that the catalogue has for them."""
    known = {limit.id: (limit.reference, limit.plan_year_start) for limit in catalogue.limits.values()}
    return all(known.get(limit_id) == rule for limit_id, rule in posting.hold_limits(connection).items())


def _hold_references(connection: Connection[Any], catalogue: Catalogue) -> None:
    if not references_stand(connection, catalogue):
        raise Conflict("A limit was changed while the rows came in; nothing was written. Try again.")


@contextmanager
def _session() -> Iterator[Connection[Any]]:
    """The driver's own connection below Django's; its errors become Django's."""
    django_connection.ensure_connection()
    with django_connection.wrap_database_errors:
        yield django_connection.connection


def _stage(connection: Connection[Any], rows: Iterable[Row], catalogue: Catalogue) -> None:
    """Fills the staging table."""
    checker = _Checker(catalogue)
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        good = list(checker.good(chunk))
        if not checker.count:
            staging.add(connection, good)
    if checker.count:
        raise LinesBroken(checker.broken, checker.count)


class _Checker:
    """Tells good rows from bad ones and remembers what is wrong with those."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.broken: list[BrokenLine] = []
        self.count = 0

    def good(self, rows: Iterable[Row]) -> Iterator[StagedRow]:
        for line, content in rows:
            try:
                row = self.read(line, content)
            except DomainError as error:
                self.remember(line, error)
            else:
                yield row

    def read(self, line: int, content: Any | DomainError) -> StagedRow:
        if isinstance(content, DomainError):
            raise content
        return read_row(line, content, self.catalogue)

    def remember(self, line: int, error: DomainError) -> None:
        self.count += len(error.messages)
        room = LISTED - len(self.broken)
        self.broken += [BrokenLine(line, message) for message in error.messages[:room]]


def _post(connection: Connection[Any], input_file: int | None = None) -> Posted:
    try:
        with django_connection.wrap_database_errors:
            ready = posting.prepare(connection, input_file=input_file)
            return posting.post(connection, ready, input_file=input_file)
    except DataError as error:
        raise total_too_large() from error


def total_too_large() -> RuleBroken:
    return RuleBroken(
        ResultMessage("CON-IP-018", "A counter's total would no longer fit into 16 digits; nothing was written.")
    )
