"""What the house demands of every line and no linter knows; which way imports run, `make check` asks import-linter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("audit", "consumption", "datafiles", "hypermedia", "jobs")
MOST_LINES = 400


def modules(*folders: str) -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for folder in folders for file in (ROOT / folder).rglob("*.py"))


def environment_reads(source: str) -> Iterator[int]:
    """Lines that use `os.environ` or `os.getenv`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") and ast.unparse(node.value) == "os":
            yield node.lineno


def test_only_the_settings_read_the_environment() -> None:
    reads = {module: list(environment_reads((ROOT / module).read_text())) for module in modules(*APPS)}
    assert {module: lines for module, lines in reads.items() if lines} == {}


def test_a_read_is_seen() -> None:
    assert list(environment_reads("import os\nx = os.environ['A']\ny = os.getenv('B')")) == [2, 3]


def test_no_module_is_crowded() -> None:
    lengths = {module: len((ROOT / module).read_text().splitlines()) for module in modules("config", *APPS)}
    assert {module: lines for module, lines in lengths.items() if lines > MOST_LINES} == {}, "split them"
