"""What chaos says about answers of 500: one that a failpoint made is none of the service's, any other is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.faults.chaos import unexplained
from tests.faults.stack import Stack

LOG = """2026-11-27 04:09:52,572 ERROR   config.errors [aaa] unexpected error in POST /api/readconsumptionbatches
Traceback (most recent call last):
  File "jobs/services.py", line 43, in start
{error}
127.0.0.1 POST /api/readconsumptionbatches 500 13 ms
2026-11-27 04:09:53,001 ERROR   config.errors [bbb] unexpected error in GET /api
hypermedia.failpoints.FailpointError: a failpoint
"""


@pytest.mark.parametrize(
    ("error", "reported"),
    [("hypermedia.failpoints.FailpointError: a failpoint", 0), ("django.db.utils.InternalError: <InternalError>", 1)],
)
def test_only_failpoints_explain_a_500(tmp_path: Path, error: str, reported: int) -> None:
    (tmp_path / "web.log").write_text(LOG.format(error=error))
    (tmp_path / "web2.log").touch()
    stack: Any = SimpleNamespace(log=lambda name: tmp_path / f"{name}.log")
    assert (
        len(unexplained(cast(Stack, stack), {"aaa": "POST /api/readconsumptionbatches", "bbb": "GET /api"})) == reported
    )


def test_one_that_left_no_word_is_reported(tmp_path: Path) -> None:
    for name in ("web", "web2"):
        (tmp_path / f"{name}.log").touch()
    stack: Any = SimpleNamespace(log=lambda name: tmp_path / f"{name}.log")
    assert "not a word" in unexplained(cast(Stack, stack), {"ccc": "GET /api"})[0]
