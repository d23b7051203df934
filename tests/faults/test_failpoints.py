"""Each failpoint with each action, in the real processes: whatever dies, stops, fails or freezes, and wherever."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
import requests

from config.embedded import process
from tests.faults import checks
from tests.faults.stack import ROOT, SETTINGS, Stack, export_of

# Who passes by: the web server, a child of the worker's pool, or the keeper, which runs the sweep.
WEB = ("start.commit", "ring", "publish", "published")
WORKER = (
    *("claim.commit", "claimed", "export.chunk", "file.write", "file.fsync", "file.rename", "file.renamed"),
    *("finish.commit", "finished"),
)
KEEPER = ("reap.commit", "reaped")
PLANNER = ("plan.commit",)  # rows in test_planner.py
SENDER = ("delivery.claimed", "delivery.answered", "delivery.record")  # the keeper again
IMPORT = ("import.chunk", "import.commit")  # the worker again; test_imports.py
DOWNLOAD = ("download.block",)  # the web server again; test_downloads.py
ACTIONS = ("kill", "terminate", "freeze 5", "fail")
assert float(SETTINGS["LEASE_SECONDS"]) < 5, "whoever freezes wakes after its lease"

# Where an error that nobody expects is the end. Everywhere else the export completes in spite of it.
FAILS = {(point, "fail") for point in WORKER} - {("claim.commit", "fail"), ("finished", "fail")}
# Who is told to stop gives its work back and spends no attempt.
GIVES_BACK = [(point, "terminate") for point in WORKER]
ROWS = [row for row in product((*WEB, *WORKER, *KEEPER, *SENDER), ACTIONS) if row not in GIVES_BACK]
STOP_SECONDS = 20.0  # in which who was told to stop has to: a service manager ends whoever is still there then
IN_EVERY_RUN = {  # the others take minutes
    ("claimed", "kill"),
    ("export.chunk", "terminate"),
    ("file.renamed", "kill"),
    ("finish.commit", "freeze 5"),
}


def params(rows: list[tuple[str, str]]) -> list[object]:
    return [
        pytest.param(*row, marks=() if row in IN_EVERY_RUN else pytest.mark.slow, id=f"{row[0]}-{row[1].split()[0]}")
        for row in rows
    ]


@pytest.mark.parametrize(("point", "action"), params(ROWS))
def test_row(stack: Stack, point: str, action: str) -> None:
    row(stack, point, action)


@pytest.mark.parametrize(("point", "action"), params(GIVES_BACK))
def test_row_that_gives_back(patient: Stack, point: str, action: str) -> None:
    ends = row(patient, point, action)
    assert {patient.task(batch)["attempts"] for batch in ends} <= {1}


def row(stack: Stack, point: str, action: str) -> list[int]:
    """The exports that ended."""
    since, log = checks.newest(stack), stack.log("worker").stat().st_size
    program = stack.programs["web" if point in WEB else "worker" if point in WORKER else "keeper"]
    if point in KEEPER:
        stack.arm("export.chunk", "kill")  # so that there is something to reap
    stack.arm(point, action)
    accepted = post(stack)
    if action == "terminate":
        stack.wait(f"somebody came by {point}", lambda: not stack.is_armed(point))
        process.stop(program, (0, STOP_SECONDS))  # it has its signal already
    ends = checks.everything_ends(stack, since=since, accepted=accepted)
    stack.wait(f"somebody came by {point}", lambda: not stack.is_armed(point))
    expected = "Failed" if (point, action) in FAILS else "Completed"
    assert set(ends.values()) <= {expected}, stack.tails()
    assert ends or point in WEB
    if action.startswith("freeze") and point in WORKER:
        stack.wait("whoever slept ends its attempt too", lambda: attempts_are_over(stack, log))
    return list(ends)


def attempts_are_over(stack: Stack, since: int) -> bool:
    """Whether each attempt that the worker's log tells of, from that byte on, has come to an end there."""
    told = stack.log("worker").read_bytes()[since:].decode()
    begun = re.findall(r"task \d+: attempt \d+ of", told)
    over = re.findall(r"task \d+: (?:completed|failed|lost)$", told, re.MULTILINE)
    return len(begun) == len(over) > 0


def post(stack: Stack) -> list[int]:
    """The export that was accepted, if one was: the web server may have died of it."""
    with suppress(requests.ConnectionError):
        answer = stack.post()
        assert answer.status_code in {201, 500}, answer.text
        if answer.status_code == 201:
            return [export_of(answer)]
    return []


def test_no_failpoint_without_a_row() -> None:
    code = [file for depth in ("*", "*/*", "*/*/*") for file in ROOT.glob(f"{depth}/*.py")]
    hit = {name for file in code if "tests" not in file.parts for name in points_in(file)}
    assert hit == {*WEB, *WORKER, *KEEPER, *PLANNER, *SENDER, *IMPORT, *DOWNLOAD}
    told = (ROOT / "docs" / "engine.md").read_text().partition("| failpoint | where |")[2]
    assert hit == set(re.findall(r"`([a-z]+(?:\.[a-z]+)?)`", told))


def points_in(file: Path) -> list[str]:
    return re.findall(r'^\s+hit\("([a-z.]+)"\)', file.read_text(), re.MULTILINE)
