"""The authorisation matrix, cell by cell, and that it leaves out nothing that the service answers at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLResolver, get_resolver

from tests.api import matrix
from tests.api.matrix import METHODS, OWNERSHIPS, Row
from tests.api.requests import address, body_for, headers_for, undone
from tests.api.world import World

ROWS = matrix.rows()
# Pages for people; the console has its own permissions and tests.
NOT_OURS = ("admin/",)


pytestmark = pytest.mark.django_db


def ask(world: World, row: Row, persona: str, ownership: str) -> Any:
    """The answer; whatever the request changed is undone."""
    names = world.identifiers(persona, ownership)
    client = world.clients[persona]
    with undone(row.method):
        response = client.request(
            row.method, address(row.route, names), body_for(row, names), Accept="*/*", **headers_for(row)
        )
        response.getvalue()  # a stream is open until it is read
    return response


def status_of(row: Row, response: Any) -> int:
    if row.route.startswith("ws/") and row.method not in {"HEAD", "OPTIONS"}:
        return int(response.json()["status"])
    return int(response.status_code)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_cells(world: World, row: Row) -> None:
    """Every persona gets what the row says, and what is somebody else's looks exactly like what is not there."""
    wrong = []
    for persona in row.expected:
        expected = row.expected[persona]
        asked = OWNERSHIPS[: len(expected)]
        answers = [ask(world, row, persona, ownership) for ownership in asked]
        got = tuple(status_of(row, answer) for answer in answers)
        if got != expected:
            wrong.append((persona, got, expected))
        if expected[1:] == (404, 404):
            assert neutral(answers[1]) == neutral(answers[2])
    assert not wrong


def neutral(response: Any) -> tuple[str, dict[str, str]]:
    """Body and headers without the identifiers, which are all that the request told apart."""
    text = re.sub(r"\b([0-9A-F]{32}|[0-9]+|ABSENT)\b", "X", response.content.decode())
    left_out = {"X-Request-ID", "Content-Length"}
    return text, {name: value for name, value in response.headers.items() if name not in left_out}


def test_the_matrix_is_complete() -> None:
    """Each address that the resolver knows has a row for each method, and each row an address."""
    known = {(route, method) for route, _ in patterns(get_resolver()) for method in METHODS}
    listed = {(row.route, row.method) for row in ROWS}
    assert sorted(known - listed) == []
    assert sorted(listed - known) == []


def test_the_matrix_has_each_row_once() -> None:
    assert len(ROWS) == len({(row.route, row.method) for row in ROWS})


def test_no_view_answers_a_method_that_the_matrix_does_not_know() -> None:
    for _, view in patterns(get_resolver()):
        methods = {name.upper() for name in view.http_method_names if hasattr(view, name)}
        assert methods <= set(METHODS), view


def test_the_root_has_the_same_views() -> None:
    served = dict(patterns(get_resolver()))
    below = {route.removeprefix("api/"): view for route, view in served.items() if route.startswith("api/")}
    aliases = {route: view for route, view in served.items() if route in below}
    assert {row.route for row in matrix.read(matrix.RESOURCES)} == aliases.keys()
    assert all(view is below[route] for route, view in aliases.items())


def patterns(resolver: URLResolver, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every address with the view class that answers there."""
    for pattern in resolver.url_patterns:
        route = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route) if not route.startswith(NOT_OURS) else ()
        else:
            yield route, getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)


def test_counts() -> None:
    """The size of the matrix, so that a part that falls out of it is noticed."""
    cells = sum(len(statuses) for row in ROWS for statuses in row.expected.values())
    print(f"authorisation matrix: {len(ROWS)} rows, {cells} cells")  # noqa: T201
    assert len(ROWS) >= 420
    assert cells >= 4284
