"""One piece of an input file, from its lines to the ledger: prepared without writing, then written in one short
transaction that somebody else may veto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.errors import NumericValueOutOfRange

from consumption import ledger, posting, staging
from consumption.posting import Ready
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
        refused = [*self.refused, *other.refused]
        return Applied(self.written + other.written, self.unchanged + other.unchanged, refused)


Veto = Callable[[Connection[Any], int], None]


@dataclass(frozen=True)
class Prepared:
    """A piece whose good rows stand in the staging table of this connection; the others are refused."""

    connection: Connection[Any]
    piece: Piece
    input_file: int
    catalogue: Catalogue
    ready: Ready
    refused: list[Refused]


def prepare(connection: Connection[Any], piece: Piece, *, input_file: int, catalogue: Catalogue) -> Prepared:
    """Looks at every row and writes nothing, so another piece may be written at the same time.

    Needs the staging table and that of the lines.
    """
    refused = [refusal for line, error in piece.unreadable for refusal in refusals(line, error)]
    with connection.transaction():
        staging.clear(connection)
        passed = screening.stage(connection, piece.lines, piece.contents)
        if len(passed) < len(piece.lines):
            rows = zip(piece.lines, piece.contents, strict=True)
            left_over = ((line, text) for line, text in rows if line not in passed)
            staging.add(connection, _good(left_over, catalogue, refused))
        ready = posting.prepare(connection, input_file=input_file)
    return Prepared(connection, piece, input_file, catalogue, ready, refused)


def apply(prepared: Prepared, before_commit: Veto) -> Applied:
    """Writes the good rows of a piece.

    `before_commit` gets the number of written rows in the transaction that writes them; what it raises undoes them.
    """
    try:
        return _apply(prepared, before_commit)
    except NumericValueOutOfRange:
        return _apart(prepared, before_commit)


def refusals(line: int, error: DomainError) -> list[Refused]:
    return [Refused(line, message) for message in error.messages[:MOST_RULES]]


def _apply(prepared: Prepared, before_commit: Veto) -> Applied:
    connection = prepared.connection
    for _ in range(_TRIES):
        with connection.transaction():
            if ledger.references_stand(connection, prepared.catalogue):
                posted = posting.post(connection, prepared.ready, input_file=prepared.input_file)
                before_commit(connection, posted.consumptions)
                return Applied(posted.consumptions, posted.unchanged, [*prepared.refused, *posted.refused])
        prepared = _anew(prepared, prepared.piece)
    raise _CHANGING


def _apart(prepared: Prepared, before_commit: Veto) -> Applied:
    """A total would not fit: halves, until the row is alone that makes it so."""
    piece = prepared.piece
    if len(piece.lines) == 1:
        return Applied(refused=[*prepared.refused, *refusals(piece.lines[0], ledger.total_too_large())])
    middle = len(piece.lines) // 2
    first = Piece(piece.lines[:middle], piece.contents[:middle], piece.unreadable)
    second = Piece(piece.lines[middle:], piece.contents[middle:])
    return apply(_anew(prepared, first), before_commit) + apply(_anew(prepared, second), before_commit)


def _anew(prepared: Prepared, piece: Piece) -> Prepared:
    """With the limits as they are now."""
    return prepare(prepared.connection, piece, input_file=prepared.input_file, catalogue=Catalogue.current())


def _good(rows: Iterator[tuple[int, str]], catalogue: Catalogue, refused: list[Refused]) -> Iterator[StagedRow]:
    """The rows that break no rule; of the others the rules that they break."""
    for line, text in rows:
        try:
            yield read_row(line, parse_json(text.encode()), catalogue)
        except DomainError as error:
            refused += refusals(line, error)
