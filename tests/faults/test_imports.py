"""A write batch that is killed, stopped, frozen or failed in the middle: every row goes in, and none twice."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

import pytest
import requests

from tests.faults.stack import END_STATES, Stack
from tests.faults.test_failpoints import ACTIONS, IMPORT

pytestmark = pytest.mark.slow
OPERATOR = "operator1"
ROWS = 500
MANY = 45_000  # three pieces
BAD = 1_500  # every so many rows one breaks a rule
_STATUS = """
    SELECT t.status, t.id FROM consumption_writeconsumptionbatch b JOIN jobs_task t ON t.id = b.task_id WHERE b.id = %s
"""
# Ours have a description; somebody else writes to the ledger all the time, also to our persons' counters.
_WRITTEN = """
    SELECT count(*), count(DISTINCT c.description) FROM consumption_consumption c
      JOIN consumption_counterperiod p ON p.id = c.counter_period_id
      JOIN consumption_counter k ON k.id = p.counter_id
     WHERE starts_with(k.person_code, %s) AND c.description IS NOT NULL
"""
_WRONG_TOTALS = """
    SELECT p.id, p.total, sum(c.number_of_units) FROM consumption_counter k
      JOIN consumption_counterperiod p ON p.counter_id = k.id
      JOIN consumption_consumption c ON c.counter_period_id = p.id
     WHERE starts_with(k.person_code, %s)
     GROUP BY p.id, p.total HAVING p.total <> sum(c.number_of_units)
"""


def row(person: str, number: int, **other: Any) -> dict[str, Any]:
    """Its description is all that tells it apart."""
    return {
        "limitCode": "VERT",
        "aggregationLevel": "PERSON",
        "person": {"code": person},
        "serviceDate": "2024-05-01",
        "numberOfUnits": 1,
        "description": str(number),
        **other,
    }


def set_of(stack: Stack, name: str, rows: Iterable[dict[str, Any]]) -> str:
    """The code of a new set with one file of these rows."""
    content = "".join(json.dumps(row) + "\n" for row in rows)
    code = f"SET-{name}"
    body = {"code": code, "description": "rows", "dataFiles": [{"code": "ROWS", "description": "rows"}]}
    made = stack.request("POST", "/api/datafilesets", body, user=OPERATOR)
    assert made.status_code == 201, made.text
    url = f"{stack.url}/api/datafilesets/{code}/datafiles/ROWS/data"
    headers = {"Content-Type": "application/x-ndjson"}
    sent = requests.post(url, data=content, headers=headers, auth=(OPERATOR, OPERATOR), timeout=60)
    assert sent.ok, sent.text
    return code


def start(stack: Stack, code: str) -> int:
    """The id of an import of that set."""
    started = stack.request("POST", "/api/writeconsumptionbatches", {"dataFileSetCode": code}, user=OPERATOR)
    assert started.status_code == 201, started.text
    return int(started.headers["Location"].rpartition("/")[2])


def completes(stack: Stack, batch: int, may_fail: bool = False) -> None:
    """At once or, where it may, after a failure and a restart."""
    stack.wait("it ends", lambda: stack.sql(_STATUS, batch)[0][0] in END_STATES, seconds=120)
    status, task = stack.sql(_STATUS, batch)[0]
    if status == "ERRORED":
        assert may_fail, stack.tails()
        assert stack.request("POST", f"/api/taskprocessing/{task}/restart", user=OPERATOR).status_code == 200
        stack.wait("the restart ends", lambda: stack.sql(_STATUS, batch)[0][0] in END_STATES, seconds=120)
    assert stack.sql(_STATUS, batch)[0][0] == "COMPLETED", stack.tails()


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("point", IMPORT)
def test_in_the_middle(stack: Stack, point: str, action: str) -> None:
    person = f"IMPORT-{uuid.uuid4().hex[:12]}"
    code = set_of(stack, person, (row(person, number) for number in range(ROWS)))
    stack.arm(point, action)
    batch = start(stack, code)
    completes(stack, batch, may_fail=action == "fail")
    assert not stack.is_armed(point)
    assert stack.sql(_WRITTEN, person) == [(ROWS, ROWS)]


# The place of the fault: behind the first piece, with the second one prepared, or at the end of the second one.
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("in_second", [False, True], ids=["behind-the-first", "in-the-second"])
def test_between_pieces(stack: Stack, in_second: bool, action: str) -> None:
    """Three pieces: every row goes in once, totals are right, and each refused row is listed once."""
    person = f"PIECES-{uuid.uuid4().hex[:12]}"
    code = set_of(stack, person, (piece_row(person, number) for number in range(MANY)))
    # While it stands still behind the first piece, the next fault is laid out. Should it lose its lease by that, the
    # next attempt meets it.
    stack.arm("import.chunk", "freeze 2" if in_second else action)
    batch = start(stack, code)
    stack.wait("the first piece is written", lambda: not stack.is_armed("import.chunk"))
    if in_second:
        stack.arm("import.commit", action)
    completes(stack, batch, may_fail=action == "fail")
    assert not stack.is_armed("import.commit")
    refused = [number for number in range(MANY) if number % BAD == 0]
    written = MANY - len(refused)
    assert stack.sql(_WRITTEN, person) == [(written, written)]
    assert stack.sql(_WRONG_TOTALS, person) == []
    document = stack.request("GET", f"/api/generic/writeconsumptionbatches/{batch}", user=OPERATOR).json()
    told = {name: document[f"rows{name}"] for name in ("Read", "Applied", "Unchanged", "Rejected")}
    assert told == {"Read": MANY, "Applied": written, "Unchanged": 0, "Rejected": len(refused)}
    assert [line["line"] for line in refused_lines(stack, document)] == [number + 1 for number in refused]


def piece_row(person: str, number: int) -> dict[str, Any]:
    """Of a few persons, with and without an id of its own; now and then one that breaks a rule."""
    other = {"externalId": f"{person}-{number}"} if number % 2 else {}
    made = row(f"{person}-{number % 40}", number, **other)
    return {**made, "numberOfUnits": "one"} if number % BAD == 0 else made


def refused_lines(stack: Stack, batch: dict[str, Any]) -> list[dict[str, Any]]:
    """What the set of the batch lists."""
    [result] = [link["href"] for link in batch["links"] if link["rel"] == "datafileset"]
    user = (OPERATOR, OPERATOR)
    [file] = [link for link in requests.get(result, auth=user, timeout=60).json()["links"] if link["rel"] == "file"]
    return [json.loads(line) for line in requests.get(file["href"], auth=user, timeout=60).text.splitlines()]
