"""What a log line may hold: listed fields, and of an exception what it is and where it came from, never what it says.

The text of an exception repeats what it stumbled over: PostgreSQL prints the whole row that broke a constraint. So the
frames are kept, which hold code and no values; the text is kept in development alone, and there not of the database's.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import psycopg
import structlog
from django.db import Error as DatabaseFailure
from structlog.typing import EventDict

# Beside time, level, logger and the message itself.
FIELDS = ("request_id", "user_id", "task_id", "delivery_id", "endpoint_id", "job_id", "route", "status", "milliseconds")
_SHORT = 4  # characters; a shorter text says nothing, and stands in too many others
_SPEAKING = (psycopg.Error, DatabaseFailure)
_IN_PATHS = "/:@!$&'()*+,;=~"  # what stands in a path as it is
# The sweep comes by every few seconds; what it finds is logged by itself.
_QUIET = ("axes", "celery.beat", "celery.worker.strategy", "celery.app.trace")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, the newest first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def silenced(text: str, error: BaseException | None, kinds: tuple[type[BaseException], ...]) -> str:
    """The text with what the errors of these kinds say replaced by what they are."""
    for each in chain(error):
        for said in {str(each), *str(each).splitlines()} if isinstance(each, kinds) else ():
            if len(said.strip()) >= _SHORT:
                text = text.replace(said, f"<{type(each).__name__}>")
    return text


def described(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def tell_errors(_: Any, __: str, event: EventDict) -> EventDict:
    """A structlog processor: the exceptions of a record as a list, and their texts nowhere."""
    found = event.pop("exc_info", None)
    if found and found[1] is not None:
        event["event"] = silenced(str(event["event"]), found[1], (BaseException,))
        event["errors"] = [described(error) for error in chain(found[1])]
    return event


def json_formatter() -> logging.Formatter:
    """One JSON object a line, for production."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow=FIELDS),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            tell_errors,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


class LineFormatter(logging.Formatter):
    """Lines for people, in development."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return silenced(super().format(record), error, _SPEAKING)


class AsSent(logging.Filter):
    """For the web server's log of requests: the path as it was sent, so that nobody adds lines with %0A."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, Mapping):
            path = quote(str(record.args["path"]), safe=_IN_PATHS, errors="replace")
            record.args = {**record.args, "path": path}
            record.status, record.milliseconds = record.args["status"], round(float(str(record.args["dt_ms"])))
        return True


def configuration(*, form: str, level: str) -> dict[str, Any]:
    """What Django hands to `logging`: everything to standard error. `form`: `lines` or `json`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "hypermedia.middleware.RequestIdFilter"},
            "as_sent": {"()": "config.logs.AsSent"},
        },
        "formatters": {
            "lines": {
                "()": "config.logs.LineFormatter",
                "format": "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s",
            },
            "json": {"()": "config.logs.json_formatter"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": sys.stderr,
                "formatter": form,
                "filters": ["request_id"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "granian.access": {"handlers": ["stderr"], "filters": ["as_sent"], "propagate": False},
            **{name: {"level": "WARNING"} for name in _QUIET},
        },
    }
