"""One piece of an input file, from its lines to the ledger: one short transaction that somebody else may veto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.errors import NumericValueOutOfRange

from consumption import ledger, posting, staging
from consumption.rows import Catalogue, read_row
from consumption.settling import Refused
from consumption.staging import StagedRow
from consumption.writing import screening
from consumption.writing.sources import Piece
from hypermedia.errors import DomainError
from hypermedia.parsers import parse_json
from jobs.errors import OperationFailed

MOST_RULES = 20  # that are told of one row
_TRIES = 5
_CHANGING = OperationFailed(
    "CON-FA-013",
    "The limits that the rows name were changed again and again while they were written.",
    "A restart helps once nobody changes them.",
)


@dataclass
class Applied:
    """What became of the rows: written, there already, or refused with the rules they break."""

    written: int = 0
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)

    def __add__(self, other: Applied) -> Applied:
        refused = sorted([*self.refused, *other.refused], key=lambda each: each.line)
        return Applied(self.written + other.written, self.unchanged + other.unchanged, refused)


Veto = Callable[[Connection[Any], int], None]


def apply(connection: Connection[Any], piece: Piece, *, input_file: int, before_commit: Veto) -> Applied:
    """Writes the good rows of a piece. Needs the staging table.

    `before_commit` gets the number of written rows in the transaction that writes them; what it raises undoes them.
    """
    refused = [refusal for line, error in piece.unreadable for refusal in refusals(line, error)]
    try:
        return Applied(refused=refused) + _apply(connection, piece, input_file, before_commit)
    except NumericValueOutOfRange:
        return Applied(refused=refused) + _apart(connection, piece, input_file, before_commit)


def refusals(line: int, error: DomainError) -> list[Refused]:
    return [Refused(line, message) for message in error.messages[:MOST_RULES]]


def _apart(connection: Connection[Any], piece: Piece, input_file: int, before_commit: Veto) -> Applied:
    """A total would not fit: halves, until the row is alone that makes it so."""
    if len(piece.lines) == 1:
        return Applied(refused=refusals(piece.lines[0], ledger.total_too_large()))
    middle = len(piece.lines) // 2
    halves = (
        Piece(piece.lines[:middle], piece.contents[:middle]),
        Piece(piece.lines[middle:], piece.contents[middle:]),
    )
    first, second = (apply(connection, half, input_file=input_file, before_commit=before_commit) for half in halves)
    return first + second


def _apply(connection: Connection[Any], piece: Piece, input_file: int, before_commit: Veto) -> Applied:
    for _ in range(_TRIES):
        catalogue = Catalogue.current()
        refused = _stage(connection, piece, catalogue)
        with connection.transaction():
            if ledger.references_stand(connection, catalogue):
                posted = posting.post(connection, input_file=input_file)
                before_commit(connection, posted.consumptions)
                return Applied(posted.consumptions, posted.unchanged, [*refused, *posted.refused])
    raise _CHANGING


def _stage(connection: Connection[Any], piece: Piece, catalogue: Catalogue) -> list[Refused]:
    """Stages what breaks no rule; the rest with the rules that it breaks."""
    staging.clear(connection)
    passed = screening.stage(connection, piece.lines, piece.contents)
    if len(passed) == len(piece.lines):
        return []
    refused: list[Refused] = []
    left_over = ((line, text) for line, text in zip(piece.lines, piece.contents, strict=True) if line not in passed)
    staging.add(connection, _good(left_over, catalogue, refused))
    return refused


def _good(rows: Iterator[tuple[int, str]], catalogue: Catalogue, refused: list[Refused]) -> Iterator[StagedRow]:
    for line, text in rows:
        try:
            yield read_row(line, parse_json(text.encode()), catalogue)
        except DomainError as error:
            refused += refusals(line, error)
