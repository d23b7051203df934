#!/usr/bin/env python
"""Command line of the service. See README.md for the two commands that matter: `make run`, `make test`."""

import os
import sys
from pathlib import Path

CLIENT_COMMANDS = ("export", "watch")  # they need a server somewhere, and no settings of their own


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["up"]:
        os.environ.setdefault("ENVIRONMENT", "development")
    if sys.argv[1:2] and sys.argv[1] in CLIENT_COMMANDS and not _development_file().is_file():
        os.environ.setdefault("ENVIRONMENT", "development")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        import config.settings  # noqa: F401  # first, because Django hides what is wrong in them
    except ImproperlyConfigured as error:
        sys.exit(f"manage.py: {error}")
    except ValueError as error:
        sys.exit(f"manage.py: a variable of the environment cannot be read: {error}")
    execute_from_command_line(sys.argv)


def _development_file() -> Path:
    """What a running `manage.py up` leaves: the settings read it by themselves."""
    return Path(__file__).resolve().parent / "var" / "development.env"


if __name__ == "__main__":
    main()
