"""Rows out of COPY, in large blocks that end where a row ends."""

from __future__ import annotations

import select
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.sql import Composed

BUFFER = 1 << 20  # bytes passed on at a time


@dataclass(frozen=True)
class Block:
    data: bytes
    rows: int


def blocks(
    connection: Connection[Any], copy_statement: Composed, room: Callable[[], int], line_end: bytes = b"\n"
) -> Generator[Block]:
    """The output of a COPY; no block has more rows than there is `room` for when it begins."""
    with connection.cursor() as cursor, cursor.copy(copy_statement):
        buffer, rows, most = bytearray(), 0, 0
        for row in _rows(connection.pgconn):
            if not rows:
                most = room()
            if line_end == b"\n":
                buffer += row
            else:
                buffer += row[:-1]
                buffer += line_end
            rows += 1
            if len(buffer) >= BUFFER or rows >= most:
                yield Block(bytes(buffer), rows)
                buffer, rows = bytearray(), 0
        if rows:
            yield Block(bytes(buffer), rows)


def _rows(pgconn: PGconn) -> Iterator[memoryview]:
    """Each row as the server sent it. The same as iterating over the copy, whose generators and bookkeeping cost as
    much for each row as PostgreSQL takes to send it."""
    arrived = select.poll()
    arrived.register(pgconn.socket, select.POLLIN)
    while True:
        length, row = pgconn.get_copy_data(1)
        if length > 0:
            yield row
        elif length == 0:  # nothing there yet
            arrived.poll()
            pgconn.consume_input()
        else:
            break
    _end(pgconn, arrived)


def _end(pgconn: PGconn, arrived: select.poll) -> None:
    """Raises the error that the server ended the COPY with, if it did."""
    failed = None
    while True:
        while pgconn.is_busy():
            arrived.poll()
            pgconn.consume_input()
        if (result := pgconn.get_result()) is None:
            break
        if result.status != ExecStatus.COMMAND_OK:
            failed = result
    if failed is not None:
        raise error_from_result(failed)
