"""`manage.py migrate` while the service runs: whoever reads or writes waits for a moment at most."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections
from psycopg.errors import DeadlockDetected, LockNotAvailable

# For a table that others use. They queue up behind us, and a request gives up after five seconds. It is also less than
# PostgreSQL takes to look for a deadlock, so that it is mostly we who give way.
_WAIT = "500ms"
_PAUSE_SECONDS = 1.0  # in which they go on
_TRIES = 1200  # half an hour; then somebody should look


class Command(migrate.Command):
    help = "Django's, but it queues up for a table in use for a moment only, lets everybody else by, and tries again."

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        for _ in range(_TRIES):
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, false)", [_WAIT])
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if not isinstance(error.__cause__, (LockNotAvailable, DeadlockDetected)):
                    raise
            finally:
                with connection.cursor() as cursor:
                    cursor.execute("RESET lock_timeout")
            self.stdout.write("A table is in use; trying again.")
            time.sleep(_PAUSE_SECONDS)
        raise CommandError("A table stays in use. Find out by whom (pg_stat_activity), and run this again.")
