"""The same answers by Starlette and asyncpg, which are no part of the service (the extra `bench`).

The statements are the service's own with their values written in, so that asyncpg prepares and plans each only once: a
favour to this side. One connection, one request after the other, called through ASGI in this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from benchmarks import peers
from benchmarks.calls import Statement
from benchmarks.rows import NotInstalled

try:
    import asyncpg
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
except ImportError:
    asyncpg = None


def written(statement: Statement) -> str:
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        return psycopg.ClientCursor(connection).mogrify(*statement)


class Service:
    """Both routes over one connection, in an event loop of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(asyncpg.connect(os.environ["DATABASE_URL"]))
        self._statements = {name: [written(one) for one in asked] for name, asked in peers.STATEMENTS.items()}
        routes = [
            Route("/poll", self._poll, methods=["GET"]),
            Route("/report", self._report, methods=["PUT"]),
        ]
        self._application = Starlette(routes=routes)

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()

    async def _poll(self, request: Request) -> Response:
        token, read = self._statements["poll"]
        assert request.headers["authorization"] and await self._connection.fetch(token)
        (row,) = await self._connection.fetch(read)
        content, headers = peers.poll_answer(tuple(row))
        return Response(content, media_type="application/json", headers=headers)

    async def _report(self, request: Request) -> Response:
        token, record = self._statements["report"]
        assert request.headers["authorization"] and await self._connection.fetch(token)
        assert json.loads(await request.body())["jobId"]
        ((answered, audit_id),) = await self._connection.fetch(record)
        document = {"data": [], "message": ["Job updated Successfully"], "status": answered, "rest_audit_id": audit_id}
        return Response(json.dumps(document), media_type="application/json", headers=peers.HEADERS)

    def many(self, times: int, method: str, path: str, body: bytes = b"") -> float:
        """Seconds that so many requests take."""
        return self._loop.run_until_complete(self._many(times, method, path, body))

    async def _many(self, times: int, method: str, path: str, body: bytes) -> float:
        await self._ask(method, path, body)
        began = time.perf_counter()
        for _ in range(times):
            await self._ask(method, path, body)
        return time.perf_counter() - began

    async def _ask(self, method: str, path: str, body: bytes) -> None:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost:9998"), (b"accept", b"application/json"), (b"authorization", b"Bearer x")]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 9998),
        }
        await self._application(scope, receive, send)
        assert sent[0]["status"] == 200, sent


@contextmanager
def service() -> Iterator[Service]:
    """On the database that `ledgers.use` chose last, with the statements noted so far. Raises NotInstalled."""
    if asyncpg is None:
        raise NotInstalled("starlette and asyncpg: requirements-bench.lock")
    made = Service()
    try:
        yield made
    finally:
        made.close()
