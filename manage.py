#!/usr/bin/env python
"""Command line of the service. See README.md for the two commands that matter: `make run`, `make test`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["up"]:
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


if __name__ == "__main__":
    main()
