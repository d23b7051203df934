"""Schemathesis against the running service: all its checks, the stateful phase too, and not one failure."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.stack import Stack

CONFIG = Path(__file__).with_name("schemathesis.toml")
# The keeper stays away: it would call whatever addresses of receivers were made up.
PROGRAMS = ("web", "worker")
# Out of the way; it tries wrong passwords too.
BOUNDS = ("REQUESTS_PER_MINUTE", "POLLS_PER_MINUTE", "ACTIVE_OPERATIONS_PER_CLIENT", "API_LOGIN_FAILURES")


@pytest.fixture(scope="module")
def service() -> Iterator[Stack]:
    with Stack(consumptions=500) as stack:
        stack.settings |= dict.fromkeys(BOUNDS, "1000000")
        stack.start(*PROGRAMS)
        stack.warm_up()
        yield stack


def schemathesis(service: Stack, folder: Path, *options: str) -> str:
    """What it prints at its end; fails with all of it."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    words = [program, "--config-file", str(CONFIG), "run", f"{service.url}/api/openapi.json", "--seed", "1", *options]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    found = re.search(r"^=+ SUMMARY =+$.*", done.stdout, re.MULTILINE | re.DOTALL)
    assert found is not None, done.stdout
    print(found[0])  # noqa: T201  # the counts
    return found[0]


# Each in a run of its own, since one run keeps the credentials that it began with: what it selects, and its phases.
# Nothing links one callback to another. The callback's refusals are answered with HTTP 200 and a status in the body, as
# its document demands, so that HTTP cannot tell them; where they are set to be answered as errors, it does.
_CALLBACK = ("--include-tag", "Status callback", "--phases", "examples,coverage,fuzzing")
PARTS = {
    "api": ("--exclude-tag", "Status callback", "--phases", "examples,coverage,fuzzing,stateful"),
    "callback": (*_CALLBACK, "--exclude-checks", "negative_data_rejection"),
    "callback as errors": _CALLBACK,
}
SETTINGS = {"callback as errors": {"CALLBACK_ERRORS_AS_HTTP": "true"}}


@contextmanager
def as_set(service: Stack, part: str) -> Iterator[None]:
    if part not in SETTINGS:
        yield
        return
    with service.restarted_with("web", **SETTINGS[part]):
        yield


@pytest.mark.parametrize("part", PARTS)
def test_a_little(service: Stack, tmp_path: Path, part: str) -> None:
    options = [*PARTS[part], "--max-examples", "2", "--no-shrink"]
    options = [option.replace("examples,coverage,", "") for option in options]
    with as_set(service, part):
        summary = schemathesis(service, tmp_path, *options)
    assert "❌" not in summary
    assert "Authentication failed" not in summary, "it was never let in"


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_lot(service: Stack, tmp_path: Path, part: str) -> None:
    with as_set(service, part):
        summary = schemathesis(service, tmp_path, *PARTS[part], "--max-examples", "15", "--continue-on-failure")
    assert "❌" not in summary
