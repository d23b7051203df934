"""Settings that would undo a promise are refused when the service starts."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

REFUSED = {
    "a soft limit above the hard one": ({"TASK_SOFT_TIME_LIMIT": "99999"}, "TASK_SOFT_TIME_LIMIT"),
    "no time between the limits": ({"TASK_TIME_LIMIT": "60"}, "TASK_SOFT_TIME_LIMIT"),
    "a janitor that does not wait for attempts": ({"LEFTOVER_SECONDS": "3600"}, "LEFTOVER_SECONDS"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    variables, named = REFUSED[case]
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", "import config.settings"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode != 0
    assert f"ImproperlyConfigured: {named} has to" in ended.stderr
