"""Writing consumptions: many at once, all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.db import DataError, transaction

from consumption import posting, staging
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


def write(*, rows: Iterable[Row]) -> Posted:
    """Writes consumptions in the shape of contract section 4 to the ledger, in one transaction.

    Everything is read and checked first. Transaction id and date-time are set by the database. What comes twice is
    written twice. Not twice in one transaction of the caller: two such writers could wait for each other.

    Raises:
        LinesBroken: with every broken rule of every line.
        Conflict: a limit was changed while the rows came in. Try again.
    """
    catalogue = Catalogue.current()
    with staging.table():
        used = _stage(rows, catalogue)
        with transaction.atomic():
            _references_stand(catalogue, used)
            return _post()


def _stage(rows: Iterable[Row], catalogue: Catalogue) -> set[int]:
    """Fills the staging table; the ids of the limits that the rows name."""
    checker = _Checker(catalogue)
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        good = list(checker.good(chunk))
        if not checker.count:
            staging.add(good)
    if checker.count:
        raise LinesBroken(checker.broken, checker.count)
    return checker.used


class _Checker:
    """Tells good rows from bad ones and remembers what is wrong with those."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.used: set[int] = set()
        self.broken: list[BrokenLine] = []
        self.count = 0

    def good(self, rows: Iterable[Row]) -> Iterator[StagedRow]:
        for line, content in rows:
            try:
                row = self.read(line, content)
            except DomainError as error:
                self.remember(line, error)
            else:
                self.used.add(row.limit_id)
                yield row

    def read(self, line: int, content: Any | DomainError) -> StagedRow:
        if isinstance(content, DomainError):
            raise content
        return read_row(line, content, self.catalogue)

    def remember(self, line: int, error: DomainError) -> None:
        self.count += len(error.messages)
        room = LISTED - len(self.broken)
        self.broken += [BrokenLine(line, message) for message in error.messages[:room]]


def _references_stand(catalogue: Catalogue, used: set[int]) -> None:
    """The periods were found by the references that the limits had when we began."""
    before = {limit.id: limit.reference for limit in catalogue.limits.values() if limit.id in used}
    if posting.hold_limits() != before:
        raise Conflict("A limit was changed while the rows came in; nothing was written. Try again.")


def _post() -> Posted:
    try:
        return posting.post()
    except DataError as error:
        text = "A counter's total would no longer fit into 16 digits; nothing was written."
        raise RuleBroken(ResultMessage("CON-IP-018", text)) from error
