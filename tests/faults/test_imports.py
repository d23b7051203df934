"""A write batch that is killed, stopped, frozen or failed in the middle: every row goes in, and none twice."""

from __future__ import annotations

import json
import uuid

import pytest
import requests

from tests.faults.stack import END_STATES, Stack
from tests.faults.test_failpoints import ACTIONS, IMPORT

pytestmark = pytest.mark.slow
ROWS = 500
_STATUS = """
    SELECT t.status, t.id FROM consumption_writeconsumptionbatch b JOIN jobs_task t ON t.id = b.task_id WHERE b.id = %s
"""


def file_of_rows(stack: Stack, person: str) -> str:
    """The code of a new set with that many rows of one person."""
    row = {
        "limitCode": "VERT",
        "aggregationLevel": "PERSON",
        "person": {"code": person},
        "serviceDate": "2024-05-01",
        "numberOfUnits": 1,
    }
    content = "".join(json.dumps({**row, "description": str(n)}) + "\n" for n in range(ROWS))
    code = f"SET-{person}"
    body = {"code": code, "description": "rows", "dataFiles": [{"code": "ROWS", "description": "rows"}]}
    made = stack.request("POST", "/api/datafilesets", body, user="operator1")
    assert made.status_code == 201, made.text
    url = f"{stack.url}/api/datafilesets/{code}/datafiles/ROWS/data"
    headers = {"Content-Type": "application/x-ndjson"}
    user = ("operator1", "operator1")
    sent = requests.post(url, data=content, headers=headers, auth=user, timeout=30)
    assert sent.ok, sent.text
    return code


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("point", IMPORT)
def test_in_the_middle(stack: Stack, point: str, action: str) -> None:
    person = f"IMPORT-{uuid.uuid4().hex[:12]}"
    code = file_of_rows(stack, person)
    stack.arm(point, action)
    started = stack.request("POST", "/api/writeconsumptionbatches", {"dataFileSetCode": code}, user="operator1")
    assert started.status_code == 201, started.text
    batch = int(started.headers["Location"].rpartition("/")[2])
    stack.wait("it ends", lambda: stack.sql(_STATUS, batch)[0][0] in END_STATES)
    assert not stack.is_armed(point)
    status, task = stack.sql(_STATUS, batch)[0]
    if status == "ERRORED":
        assert action == "fail"
        assert stack.request("POST", f"/api/taskprocessing/{task}/restart", user="operator1").status_code == 200
        stack.wait("the restart ends", lambda: stack.sql(_STATUS, batch)[0][0] in END_STATES)
    assert stack.sql(_STATUS, batch)[0][0] == "COMPLETED", stack.tails()
    # Ours have a description; somebody else writes to the ledger all the time, also to this person's counter.
    written = """SELECT count(*), count(DISTINCT c.description) FROM consumption_consumption c
                   JOIN consumption_counterperiod p ON p.id = c.counter_period_id
                   JOIN consumption_counter k ON k.id = p.counter_id
                  WHERE k.person_code = %s AND c.description IS NOT NULL"""
    assert stack.sql(written, person) == [(ROWS, ROWS)]
