"""For migrations that run while older processes of the service go on.

`migrate` waits only a moment for a table that it needs for itself, since everybody else waits behind it. What is here
keeps nobody waiting, and may itself wait for as long as somebody reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.postgres import operations
from django.db.migrations import RunSQL


class AddIndexConcurrently(operations.AddIndexConcurrently):
    """What an interrupted attempt left under its name goes first, so that a migration of several can be run again."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        with _patient(schema_editor):
            schema_editor.remove_index(model, self.index, concurrently=True)  # if it exists
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class RunConcurrently(RunSQL):
    """Statements that build or drop indexes concurrently. They have to stand being run again."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with _patient(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)


@contextmanager
def _patient(schema_editor: Any) -> Iterator[None]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        (before,) = cursor.fetchone()
        cursor.execute("SET lock_timeout = 0")
        yield
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [before])
