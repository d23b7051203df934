"""Clusters with tables, users and a sample in them, made once for a run of tests and copied: to migrate takes longer
than most of what is tested with it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from config.embedded import folders, place, postgres, process
from config.embedded.place import Place

ROOT = Path(__file__).resolve().parent.parent
STOP_SECONDS = 60.0


def new_cluster(here: Place, shared: Path, consumptions: int) -> None:
    """Lays the data of a cluster with a sample of that size into a place whose server has not been started yet.

    What is copied is made in `shared` by whoever comes first; the others wait for it.
    """
    folder = shared / f"prepared-{consumptions}"
    with (shared / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _make(folder, shared, consumptions)
    _copy(folder / "cluster", here)


def _make(folder: Path, shared: Path, consumptions: int) -> None:
    """`folder` appears whole or not at all."""
    here = place.throwaway(folder.with_suffix(".unfinished"))
    folders.prepare(here)
    if consumptions:
        new_cluster(here, shared, 0)
    server = postgres.start(here, durable=False)
    try:
        _fill(here, consumptions)
    finally:
        process.stop(server, (signal.SIGINT, STOP_SECONDS))
    folder.mkdir()
    here.cluster.rename(folder / "cluster")


def _fill(here: Place, consumptions: int) -> None:
    environment = {
        **os.environ,
        "ENVIRONMENT": "development",
        "PYTHONWARNINGS": "ignore",
        "DATABASE_URL": here.database_url,
        "CELERY_BROKER_URL": here.broker_url,
    }
    command = [sys.executable, str(ROOT / "manage.py"), "prepare_development", "--sample", str(consumptions)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def _copy(cluster: Path, here: Place) -> None:
    """With its owner, who may be another one than we."""
    subprocess.run(["cp", "-a", cluster, here.cluster], check=True)
