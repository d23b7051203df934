"""Rows out of COPY, in large blocks that end where a row ends."""

from __future__ import annotations

import select
from collections.abc import Callable, Generator
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


@dataclass(frozen=True)
class Layout:
    """How a COPY's rows lie in the messages that the server sends: a `header` before the first one, the bytes of each
    that are `kept`, and no row in a message of `trailer` bytes. `end` is what ends a row in the file."""

    kept: slice
    end: bytes = b"\n"
    header: int = 0
    trailer: int = 0


CSV = Layout(kept=slice(None, -1))
# Binary, of a single column of text: 19 bytes of signature and flags; 2 bytes with the number of columns and 4 with the
# text's length before each text; 2 bytes at the end. PostgreSQL looks at every character of a row of any other format.
BINARY = Layout(kept=slice(6, None), header=19, trailer=2)


def blocks(
    connection: Connection[Any], copy_statement: Composed, room: Callable[[], int], layout: Layout
) -> Generator[Block]:
    """The output of a COPY; no block has more rows than there is `room` for when it begins.

    Rows are asked of libpq itself. The same as iterating over the copy, whose generators and bookkeeping cost as much
    for each row as PostgreSQL takes to send it.
    """
    with connection.cursor() as cursor, cursor.copy(copy_statement):
        pgconn, header, kept, end = connection.pgconn, layout.header, layout.kept, layout.end
        arrived = select.poll()
        arrived.register(pgconn.socket, select.POLLIN)
        buffer, rows, most = bytearray(), 0, 0
        while (message := pgconn.get_copy_data(1))[0] >= 0:
            length, row = message
            if not length:  # nothing there yet
                arrived.poll()
                pgconn.consume_input()
                continue
            if header:
                row, length, header = row[header:], length - header, 0
            if length <= layout.trailer:
                continue
            if not rows:
                most = room()
            buffer += row[kept]
            buffer += end
            rows += 1
            if rows >= most or len(buffer) >= BUFFER:
                yield Block(bytes(buffer), rows)
                buffer, rows = bytearray(), 0
        _end(pgconn, arrived)
        if rows:
            yield Block(bytes(buffer), rows)


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
