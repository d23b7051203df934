"""The authorisation matrix, cell by cell, and that it leaves out nothing that the service answers at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver

from tests.api import matrix
from tests.api.matrix import METHODS, Row
from tests.api.world import Belongings, World, make_world, task_type

ROWS = matrix.rows()
# Pages for people; the console has its own permissions and tests.
NOT_OURS = ("admin/",)
ABSENT_ID, ABSENT_CODE = "999999999999", "ABSENT"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Made once: each cell undoes what it did."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


def address(route: str, of: Belongings | None) -> str:
    """The route with the identifiers of these belongings in it."""
    names = identifiers(of)
    if "job_id" in route:
        return "/" + route.replace("<path:job_id>", names["job"])
    path = route.replace("<code:code>", names["set"]).replace("<code:file_code>", names["file"])
    kind = path.removeprefix("api/").removeprefix("generic/").partition("/")[0]
    return "/" + path.replace("<id:pk>", names.get(kind, ""))


def identifiers(of: Belongings | None) -> dict[str, str]:
    if of is None:
        kinds = "readconsumptionbatches tasks tables tasktypes interfacedmessages taskprocessing operations".split()
        codes = {"set": ABSENT_CODE, "file": ABSENT_CODE, "job": ABSENT_CODE}
        return {**dict.fromkeys([*kinds, "datafilesets"], ABSENT_ID), **codes}
    return {
        "readconsumptionbatches": str(of.running.pk),
        "tasks": str(of.failed.task_id),
        "tables": str(task_type().table_id),
        "tasktypes": str(task_type().pk),
        "interfacedmessages": str(of.messages.pk),
        "taskprocessing": str(of.failed.task_id),
        "operations": str(of.failed.task_id),
        "datafilesets": str(of.data_file_set.pk),
        "set": of.data_file_set.code,
        "file": of.file_code,
        "job": of.job.job_id,
    }


def body_for(row: Row, of: Belongings | None) -> Any:
    """What a well-meaning caller sends with this request."""
    if row.method == "POST" and row.route.endswith("accesstokens"):
        return {"name": "a token"}
    if row.method == "POST" and row.route.endswith("readconsumptionbatches"):
        moment = {"value": "1970-10-11T14:04:41+01:00"}
        return {"transactionStartDateTime": moment, "transactionEndDateTime": moment}
    if row.method == "PUT" and row.route.startswith("ws/"):
        return {"jobId": identifiers(of)["job"], "status": "Started"}
    return None


def ask(world: World, row: Row, persona: str, ownership: str) -> Any:
    """The answer; whatever the request changed is undone."""
    of = world.of(persona, ownership)
    savepoint = transaction.savepoint()
    client = world.clients[persona]
    response = client.request(row.method, address(row.route, of), body_for(row, of), Accept="*/*")
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
            foreign = world.of(persona, "foreign")
            assert neutral(answers["foreign"], foreign) == neutral(answers["absent"], None)
    assert not wrong


def neutral(response: Any, of: Belongings | None) -> tuple[str, dict[str, str]]:
    """Body and headers without the identifiers that the request itself named."""
    text = response.content.decode()
    for name in sorted(set(identifiers(of).values()), key=len, reverse=True):
        text = text.replace(name, "X")
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
