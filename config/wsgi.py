"""The web application: `granian --interface wsgi config.wsgi:application`, or any other WSGI server."""

from __future__ import annotations

import os

import django
from django.conf import settings
from django.db import connections

from config.handling import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def limit_statements() -> None:
    """Before the first connection: no request may wait for the database longer than it says in the settings."""
    options = connections.settings["default"]["OPTIONS"]
    options["options"] = f"{options.get('options', '')} {settings.WEB_DATABASE_LIMITS}".strip()


django.setup(set_prefix=False)
limit_statements()
application = Handler()
