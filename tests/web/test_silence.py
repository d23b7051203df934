"""Clients that fall silent in the middle of a body, theirs or ours, keep no thread of the server for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import settings

from tests.faults.stack import Stack
from tests.web.conftest import SILENT_SECONDS
from tests.web.wire import CHUNKED, JSON, USER, Wire, chunk

BATCHES = "/api/readconsumptionbatches"
MANY = 2 * settings.WEB_THREADS
PATIENCE = 20 * SILENT_SECONDS


@contextmanager
def wires(served: Stack, receive_buffer: int = 0) -> Iterator[list[Wire]]:
    """More connections than the server has threads."""
    with ExitStack() as stack:
        yield [stack.enter_context(Wire(served.port, receive_buffer)) for _ in range(MANY)]


def answers(served: Stack) -> bool:
    with Wire(served.port) as wire:
        wire.socket.settimeout(0.5)
        try:
            return wire.ask("GET /api").status == 200
        except TimeoutError:
            return False


@pytest.mark.parametrize("how", ["Content-Length: 100", CHUNKED])
def test_in_the_middle_of_a_request(served: Stack, how: str) -> None:
    before = served.value("SELECT count(*) FROM consumption_readconsumptionbatch")
    with wires(served) as stalled:
        for each in stalled:
            each.send(f"POST {BATCHES}", USER, JSON, how, body=chunk(b"{") if how == CHUNKED else b"{")
        served.wait("others are answered", lambda: answers(served), PATIENCE)
        assert all(each.is_closed() for each in stalled)
    assert served.value("SELECT count(*) FROM consumption_readconsumptionbatch") == before


def test_in_the_middle_of_a_login(served: Stack) -> None:
    with wires(served) as stalled:
        for each in stalled:
            form = "Content-Type: application/x-www-form-urlencoded"
            each.send("POST /admin/login/", form, "Cookie: csrftoken=" + 32 * "a", "Content-Length: 99", body=b"user=")
        served.wait("others are answered", lambda: answers(served), PATIENCE)


def test_in_the_middle_of_a_download(served: Stack, data: str) -> None:
    with wires(served, receive_buffer=4096) as stalled:
        for each in stalled:
            each.send(f"GET {data}", USER)
            each.socket.recv(100)
        served.wait("others are answered", lambda: answers(served), PATIENCE)


def test_who_is_slow_is_not_silent(served: Stack, wire: Wire, data: str) -> None:
    whole = wire.ask(f"GET {data}").body
    with Wire(served.port, receive_buffer=1 << 16) as slow:
        slow.send(f"GET {data}", USER)
        began, got = time.monotonic(), 0
        while time.monotonic() - began < 2 * SILENT_SECONDS:
            got += len(slow.socket.recv(20_000))
            time.sleep(SILENT_SECONDS / 20)
        while block := slow.socket.recv(1 << 20):
            got += len(block)
            if got > len(whole):
                break
    assert got > len(whole)
