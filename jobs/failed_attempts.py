"""How an attempt that went wrong is stored: as a failure with a message for the client, or to be tried again."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

import psycopg
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, connection
from django.db.utils import Error as DatabaseWrapperError

from jobs import recovery, services
from jobs.errors import LeaseLost, OperationFailed, UnexpectedError
from jobs.models import Task
from jobs.services import Outcome

logger = logging.getLogger(__name__)

TOO_LONG = OperationFailed(
    "TSK-FA-003",
    "The operation took longer than an operation may.",
    "A restart will not help as it is; ask for a shorter period or fewer limits.",
)
# What the database says it could not do, by the beginning of its SQLSTATE. Anything else means it was cut off.
_DATABASE_TROUBLE = {
    "53100": "The database's disk was full",
    "53": "The database ran out of resources",
    "40": "The database gave precedence to another transaction",
    "55P03": "The database could not get a lock in time",
    "57014": "The database stopped the statement",
}


def store(error: Exception, task: Task) -> str:
    """Stores how the attempt ended; the outcome. Raises UnexpectedError when nobody expected it."""
    connection.close()  # the error may have left it in the middle of something
    if isinstance(error, (OperationalError, InterfaceError, psycopg.OperationalError)):
        return _database_trouble(error, task)
    if isinstance(error, SoftTimeLimitExceeded):
        return _failed(TOO_LONG, task)
    if isinstance(error, OperationFailed):
        return _failed(error, task)
    trace = "".join(traceback.format_exception(error))
    _if_still_ours(task, lambda: services.fail(task=task, **_unexpected(error), stack_trace=trace))
    raise UnexpectedError(f"{type(error).__name__}: {error}") from error


def _failed(failure: OperationFailed, task: Task) -> str:
    stored = _if_still_ours(task, lambda: services.fail(task=task, code=failure.code, text=failure.text))
    return Outcome.FAILED if stored else Outcome.LOST


def _unexpected(error: Exception) -> dict[str, str]:
    text = (
        f"The operation stopped because of an error that nobody expected ({type(error).__name__}). A restart can "
        "help when the cause was a passing one; if it happens again, an operator finds the details in the console."
    )
    return {"code": "TSK-FA-001", "text": text}


def _database_trouble(error: Exception, task: Task) -> str:
    """Tried again, and the try counts: the database may have ended because of what we asked it."""
    logger.warning("task %s: trouble with the database (%s: %s)", task.pk, type(error).__name__, error)
    text = f"{_what_was_wrong(error)} in attempt {task.attempt_count}."
    _if_still_ours(task, lambda: recovery.try_again_or_fail(task=task, text=text))
    return Outcome.LOST


def _what_was_wrong(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, DatabaseWrapperError) else error
    state = getattr(cause, "sqlstate", None) or ""
    known = (state[:length] for length in (5, 2) if state[:length] in _DATABASE_TROUBLE)
    return _DATABASE_TROUBLE.get(next(known, ""), "The database connection was lost")


def _if_still_ours(task: Task, change: Callable[[], Any]) -> bool:
    """Makes the change; False when the task is lost or the database away, and the reaper will see to it."""
    try:
        change()
    except (LeaseLost, OperationalError, InterfaceError) as error:
        logger.warning("task %s: its end could not be stored (%s)", task.pk, type(error).__name__)
        return False
    return True
