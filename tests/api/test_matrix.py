"""The authorisation matrix, cell by cell, and that it leaves out nothing that the service answers at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from tests.api import matrix
from tests.api.matrix import METHODS, Row
from tests.api.world import World, make_world
from tests.conftest import PASSWORD_HASHER

ROWS = matrix.rows()
# Pages for people; the console has its own permissions and tests.
NOT_OURS = ("admin/",)


pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Made once: each cell undoes what it did."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(PASSWORD_HASHERS=[PASSWORD_HASHER]):
            made = make_world()
        yield made
        transaction.set_rollback(True)


def address(route: str, names: dict[str, str]) -> str:
    """The route with these identifiers in it."""
    codes = {"<code:code>": names["set"], "<code:file_code>": names["file"], "<path:job_id>": names["job"]}
    kind = route.removeprefix("api/").removeprefix("generic/").partition("/")[0]
    for place, name in {**codes, "<id:pk>": names.get(kind, "")}.items():
        route = route.replace(place, name)
    return f"/{route}"


def body_for(row: Row, names: dict[str, str]) -> Any:
    """What a well-meaning caller sends with this request."""
    if row.method == "POST" and row.route.endswith("accesstokens"):
        return {"name": "a token"}
    if row.method == "POST" and row.route.endswith("readconsumptionbatches"):
        moment = {"value": "1970-10-11T14:04:41+01:00"}
        return {"transactionStartDateTime": moment, "transactionEndDateTime": moment}
    if row.method == "PUT" and row.route.startswith("ws/"):
        return {"jobId": names["job"], "status": "Started"}
    return None


def ask(world: World, row: Row, persona: str, ownership: str) -> Any:
    """The answer; whatever the request changed is undone."""
    names = world.identifiers(persona, ownership)
    client = world.clients[persona]
    savepoint = transaction.savepoint()
    response = client.request(row.method, address(row.route, names), body_for(row, names), Accept="*/*")
    response.close()
    transaction.savepoint_rollback(savepoint)
    return response


def status_of(row: Row, response: Any) -> int:
    if row.route.startswith("ws/") and row.method != "HEAD":
        return int(response.json()["status"])
    return int(response.status_code)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_cells(world: World, row: Row) -> None:
    """Every persona gets what the row says, and what is somebody else's looks exactly like what is not there."""
    wrong = []
    for persona in row.expected:
        answers = {ownership: ask(world, row, persona, ownership) for ownership in matrix.OWNERSHIPS}
        got = tuple(status_of(row, answer) for answer in answers.values())
        if got != row.expected[persona]:
            wrong.append((persona, got, row.expected[persona]))
        if row.expected[persona][1:] == (404, 404):
            assert neutral(answers["foreign"]) == neutral(answers["absent"])
    assert not wrong


def neutral(response: Any) -> tuple[str, dict[str, str]]:
    """Body and headers without the identifiers, which are all that the request told apart."""
    text = re.sub(r"\b([0-9A-F]{32}|[0-9]+|ABSENT)\b", "X", response.content.decode())
    left_out = {"X-Request-ID", "Content-Length"}
    return text, {name: value for name, value in response.headers.items() if name not in left_out}


def test_the_matrix_is_complete() -> None:
    """Each address that the resolver knows has a row for each method, and each row an address."""
    known = {(route, method) for route in set(addresses(get_resolver())) for method in METHODS}
    listed = {(row.route, row.method) for row in ROWS}
    assert sorted(known - listed) == []
    assert sorted(listed - known) == []


def test_the_matrix_has_each_row_once() -> None:
    assert len(ROWS) == len({(row.route, row.method) for row in ROWS})


def test_no_view_answers_a_method_that_the_matrix_does_not_know() -> None:
    for view in views(get_resolver()):
        methods = {name.upper() for name in view.http_method_names if hasattr(view, name)}
        assert methods <= set(METHODS), view


def addresses(resolver: URLResolver, above: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route) if not route.startswith(NOT_OURS) else ()
        else:
            yield route


def views(resolver: URLResolver) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
        elif not str(pattern.pattern).startswith(NOT_OURS):
            yield from views(pattern)


def test_counts() -> None:
    """The size of the matrix, so that a part that falls out of it is noticed."""
    cells = sum(len(list(row.cells)) for row in ROWS)
    print(json.dumps({"rows": len(ROWS), "cells": cells}))  # noqa: T201  # the counts are wanted in the log
    assert (len(ROWS), cells) == (35 * 7, 35 * 7 * 18)
