"""What SECURITY.md names exists, and each of its promises names a test."""

from __future__ import annotations

import re
from pathlib import Path

from tests.security.test_settings import ROOT

DOCUMENT = (ROOT / "SECURITY.md").read_text()


def promises() -> list[list[str]]:
    """The cells of each row of the table of promises."""
    part = DOCUMENT.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in row.strip("| ").split(" | ")] for row in re.findall(r"^\|.*$", part, re.MULTILINE)
    ]
    return rows[2:]


def named(text: str) -> list[Path]:
    """The files of a text; one without a folder lies where the one before it does."""
    found, folder = [], ROOT
    for path in re.findall(r"`([\w./]+\.py|tests/\w+/)`", text):
        found.append(ROOT / path if "/" in path else folder / path)
        folder = found[-1].parent
    return found


def test_everything_that_it_names_is_there() -> None:
    files = named(DOCUMENT)
    assert len(files) > 30
    assert [str(path) for path in files if not path.exists()] == []


def test_each_promise_has_its_test() -> None:
    assert len(promises()) > 20
    for promise, how, tested in promises():
        assert how, promise
        assert any("tests" in path.parts for path in named(tested)) or "`make check`" in tested, promise
