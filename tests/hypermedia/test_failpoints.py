"""Failpoints cost nothing in production, and cannot be armed there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hypermedia import failpoints
from hypermedia.failpoints import FailpointError

PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "k" * 60,
    "PUBLIC_URL": "https://tallyport.example",
    "DATABASE_URL": "postgresql://tallyport@db.example/tallyport",
    "CELERY_BROKER_URL": "amqp://broker.example",
}


def test_nothing_happens_unless_they_are_armed() -> None:
    assert failpoints.hit is failpoints._pass
    failpoints.hit("anything")


def test_production_refuses_them(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], **PRODUCTION, "FAILPOINTS": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", "import config.settings"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "production refuses it" in ended.stderr


def test_each_file_acts_once(tmp_path: Path) -> None:
    hit = failpoints._armed(tmp_path)
    (tmp_path / "here").write_text("fail")
    hit("elsewhere")
    with pytest.raises(FailpointError):
        hit("here")
    hit("here")
    assert not list(tmp_path.iterdir())


def test_errors_by_name(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("fail ENOSPC")
    (tmp_path / "there").write_text("fail MemoryError")
    hit = failpoints._armed(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        hit("here")
    with pytest.raises(MemoryError):
        hit("there")


@pytest.mark.parametrize(("action", "signum"), [("kill", signal.SIGKILL), ("terminate", signal.SIGTERM)])
def test_the_end_of_a_process(tmp_path: Path, action: str, signum: int) -> None:
    (tmp_path / "here").write_text(action)
    assert -run_into(tmp_path) == signum


def test_it_goes_on_after_a_freeze(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("freeze 0.2")
    assert run_into(tmp_path) == 0


def run_into(folder: Path) -> int:
    """The return code of a process that comes by the failpoint `here`."""
    script = "import django; django.setup()\nfrom hypermedia.failpoints import hit\nhit('here')"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "FAILPOINTS": str(folder)}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env=environment, start_new_session=True, timeout=30, check=False).returncode
