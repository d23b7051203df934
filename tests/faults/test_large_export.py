"""A million rows, and the worker killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import checks
from tests.faults.stack import Stack

pytestmark = pytest.mark.slow
ROWS = 1_000_000
MINUTES = 60.0


@pytest.fixture(scope="module")
def large() -> Iterator[Stack]:
    with Stack(consumptions=ROWS) as stack:
        stack.start("web", "worker", "keeper", "beat")
        stack.wait_for_end(stack.start_export(), seconds=3 * MINUTES)
        stack.baseline = stack.opened()
        yield stack


def test_killed_in_the_middle(large: Stack) -> None:
    batch = large.start_export()
    large.wait("it writes", lambda: large.task(batch)["written"] > ROWS // 4, 2 * MINUTES)
    assert large.task(batch)["status"] == "PROCESSING"
    large.kill("worker")
    large.start("worker")
    assert large.wait_for_end(batch, seconds=3 * MINUTES)["attempts"] == 2
    assert checks.everything_ends(large, since=batch - 1, accepted=[batch]) == {batch: "Completed"}
    assert large.value("SELECT min(row_count) FROM datafiles_datafile") > ROWS
    checks.no_orphans(large)
