"""What both commands take, and how moments are written on a command line."""

from __future__ import annotations

import argparse
from datetime import date, datetime, time

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils.timezone import get_default_timezone, make_aware

from config.client.outcomes import EXIT_CODES

EPILOG = f"""\
Credentials: TALLYPORT_TOKEN in the environment, or TALLYPORT_USER and TALLYPORT_PASSWORD; what is missing is asked for.

{EXIT_CODES}"""


def prepare(parser: CommandParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--user", metavar="NAME", help="who asks; the password comes from the environment or a prompt")


def add_server(parser: CommandParser) -> None:
    parser.add_argument(
        "--server", metavar="URL", default=settings.PUBLIC_URL, help="where the service is (default: %(default)s)"
    )


def beginning(text: str) -> datetime:
    """A moment, or the first one of a day. Raises ArgumentTypeError."""
    return _moment(text, time.min)


def end(text: str) -> datetime:
    """A moment, or the last millisecond of a day. Raises ArgumentTypeError."""
    return _moment(text, time(23, 59, 59, 999_000))


def _moment(text: str, of_day: time) -> datetime:
    try:
        if len(text) == len("2024-01-31"):
            return _local(datetime.combine(date.fromisoformat(text), of_day))
        return _local(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        example = "a day like 2024-01-31 or a moment like 2024-01-31T08:00:00+01:00"
        raise argparse.ArgumentTypeError(f"{text!r} is not {example}") from error


def _local(moment: datetime) -> datetime:
    """Without an offset, a moment is one of the time zone in the settings."""
    return moment if moment.tzinfo else make_aware(moment, get_default_timezone())
