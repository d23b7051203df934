"""What gets into a log line, and what does not."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from config.logs import AsSent, LineFormatter, json_formatter

CANARY = "Wilhelmina Kanarie"


def failing(raise_it: Callable[[], Any]) -> Any:
    try:
        raise_it()
    except Exception:
        return sys.exc_info()
    raise AssertionError


def speak(error: Exception) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def written(formatter: logging.Formatter, text: str, *arguments: Any, exc_info: Any = None, **extra: Any) -> str:
    record = logging.LogRecord("a.logger", logging.ERROR, __file__, 1, text, arguments, exc_info)
    record.__dict__.update(extra)
    return formatter.format(record)


def test_json_has_listed_fields_alone() -> None:
    line = json.loads(written(json_formatter(), "task %s", 7, request_id="r-1", task_id=7, person=CANARY))
    assert {name: line[name] for name in ("event", "level", "logger", "request_id", "task_id")} == {
        "event": "task 7",
        "level": "error",
        "logger": "a.logger",
        "request_id": "r-1",
        "task_id": 7,
    }
    assert set(line) == {"event", "level", "logger", "request_id", "task_id", "timestamp"}


def test_one_record_is_one_line() -> None:
    text = written(json_formatter(), "a\nb\r\u2028 forged", exc_info=failing(speak(ValueError("x\ny"))))
    assert "\n" not in text and "\r" not in text


def test_of_an_exception_what_it_is_and_where() -> None:
    found = failing(speak(ValueError(f"cannot read {CANARY}")))
    line = written(json_formatter(), "Task failed: %s", found[1], exc_info=found)
    [error] = json.loads(line)["errors"]
    assert error["type"] == "builtins.ValueError"
    assert "body" in error["frames"][-1]
    assert CANARY not in line


@pytest.mark.django_db
@pytest.mark.parametrize("formatter", [json_formatter(), LineFormatter("%(message)s")], ids=["json", "lines"])
def test_what_the_database_says_is_never_repeated(formatter: logging.Formatter) -> None:
    """PostgreSQL prints the row that broke a constraint, and the value that it cannot read."""

    def broken() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE people (name text CHECK (name <> %s))", [CANARY])
            cursor.execute("INSERT INTO people VALUES (%s)", [CANARY])

    def unreadable() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT %s::integer", [CANARY])

    for body, kind in ((broken, IntegrityError), (unreadable, DatabaseError)):
        found = failing(body)
        assert isinstance(found[1], kind)
        assert CANARY in str(found[1])
        line = written(formatter, "it failed: %s", found[1], exc_info=found)
        assert CANARY not in line
        assert "test_logs.py" in line


def test_a_request_is_told_as_it_was_sent() -> None:
    record = logging.LogRecord(
        "granian.access", logging.INFO, __file__, 1, "%(method)s %(path)s %(status)d %(dt_ms).0f ms",
        ({"method": "GET", "path": "/api/a\nb\x1b\udcff ü", "status": 404, "dt_ms": 1.6},), None,
    )  # fmt: skip
    assert AsSent().filter(record)
    line = json.loads(json_formatter().format(record))
    assert line["event"] == "GET /api/a%0Ab%1B%3F%20%C3%BC 404 2 ms"
    assert (line["status"], line["milliseconds"]) == (404, 2)
