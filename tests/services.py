"""A pytest plugin (`-p tests.services`): a throwaway PostgreSQL and broker for the whole test session.

It runs before Django reads its settings, which is why it cannot live in a conftest. An address that is already in the
environment is used instead; so the workers of pytest-xdist share what their controller started.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.embedded import broker, folders, place, postgres

PARENT = Path("/tmp")  # noqa: S108  short, because of the sockets
PREFIX = "tallyport-tests-"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    early_config.add_cleanup(start_services().close)
    return (yield)


def start_services() -> ExitStack:
    """Start what the environment has no address of; closing the result ends it and removes its data."""
    os.environ["ENVIRONMENT"] = "development"
    # Many tests share one user; those of the limits set their own.
    for limit in ("REQUESTS_PER_MINUTE", "POLLS_PER_MINUTE", "ACTIVE_OPERATIONS_PER_CLIENT"):
        os.environ.setdefault(limit, "0")
    with ExitStack() as stack:
        if {"DATABASE_URL", "CELERY_BROKER_URL", "DATA_FILES_DIR", "TESTS_SHARED"} <= os.environ.keys():
            return stack.pop_all()
        here = place.throwaway(temporary_folder(stack))
        folders.prepare(here)
        os.environ.setdefault("TESTS_SHARED", str(here.var))  # what the workers make once for all of them
        os.environ.setdefault("DATA_FILES_DIR", str(here.var / "files"))
        if "DATABASE_URL" not in os.environ:
            stack.callback(postgres.stop, postgres.start(here, durable=False))
            os.environ["DATABASE_URL"] = here.database_url
        if "CELERY_BROKER_URL" not in os.environ:
            stack.callback(broker.stop, broker.start(here, durable=False))
            os.environ["CELERY_BROKER_URL"] = here.broker_url
        return stack.pop_all()


def temporary_folder(stack: ExitStack) -> Path:
    """A new folder that the services' user can enter, locked as long as we live; those of killed sessions go."""
    for folder in PARENT.glob(f"{PREFIX}*"):
        remove_if_abandoned(folder)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=PARENT))
    folder.chmod(0o711)
    unlocked = folder / "lock.new"
    lock = stack.enter_context(unlocked.open("w"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    unlocked.rename(folder / "lock")  # so that nobody ever sees it open
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def remove_if_abandoned(folder: Path) -> None:
    try:
        with (folder / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return  # in use, another user's, or so new that its lock is not there yet
