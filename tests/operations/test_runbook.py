"""The runbook has a row for all that the service says: codes, system checks, alarms and metrics; and no other."""

from __future__ import annotations

import re
from pathlib import Path

from config.errors import STATUS
from config.metrics import FAMILIES
from jobs.notifications.models import Alarm

ROOT = Path(__file__).resolve().parents[2]
APPS = ("audit", "config", "consumption", "datafiles", "hypermedia", "jobs")
CODE = re.compile(r'"((?:CON|DAT|GEN|JOB|NOT|SCH|TSK|AUD|LIM)-[A-Z]+(?:-[A-Z]+)?-\d{3})"')
CHECK = re.compile(r'"([a-z]+\.[EW]\d{3})"')
GAUGE = re.compile(r'"(tallyport_[a-z_]+)"')


def source() -> str:
    files = [file for app in APPS for file in sorted((ROOT / app).rglob("*.py")) if "migrations" not in file.parts]
    return "\n".join(file.read_text() for file in files)


def rows() -> set[str]:
    """The first cells of all tables that hold a name, each of them once."""
    found = re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert sorted(set(found)) == sorted(found)
    return set(found)


def said() -> set[str]:
    text = source()
    gauges = {family.name for family in FAMILIES} | set(GAUGE.findall(text))
    kinds = {str(kind) for kind in Alarm.Kind}
    statuses = {f"GEN-IP-{status}" for status in (500, *(status for _, status in STATUS))}  # where no code is given
    return {*CODE.findall(text), *CHECK.findall(text), *gauges, *kinds, *statuses}


def test_everything_that_is_said_has_a_row() -> None:
    missing = sorted(said() - rows())
    assert missing == [], "add what it means and what to do to docs/operations.md"


def test_no_row_is_of_nothing() -> None:
    assert sorted(rows() - said()) == []


def test_every_row_says_what_to_do() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    cells = [re.split(r" \| ", row.strip("| ")) for row in re.findall(r"^\| `.*$", text, re.MULTILINE)]
    assert [row[0] for row in cells if len(row) < 2 or not all(cell.strip() for cell in row)] == []
