"""A new operation in one statement: task, empty messages and the operation, if its user may have one more.

The ids come from the sequences, so nothing has to be written a second time. The columns come from the models: a new
kind of operation, or a new field, changes nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault
from psycopg.sql import SQL, Composed, Identifier, Literal

from jobs import quotas
from jobs.models import InterfacedMessage, Operation, Task

_STORE = SQL(
    """
    WITH task AS (
        INSERT INTO jobs_task (task_type_id, subject_id, ring_again_at, {task_columns})
        SELECT (SELECT id FROM jobs_tasktype WHERE code = {code}), nextval(pg_get_serial_sequence({name}, 'id')),
               statement_timestamp() + {patience}, {task_values}
         WHERE {may_have_one_more}
        RETURNING id, subject_id
    ), messages AS (
        INSERT INTO jobs_interfacedmessage (task_id, {messages_columns}) SELECT id, {messages_values} FROM task
    )
    INSERT INTO {table} (id, task_id, {columns}) SELECT subject_id, id, {values} FROM task RETURNING {returned}
    """
)


def store(*, operation: Operation, code: str, user_id: int, most_active: int | None) -> bool:
    """Stores an operation of the task type `code`, complete with its ids; False: the user has `most_active` already.

    Needs the transaction, and with a quota its lock (`quotas.hold`).
    """
    operation.created_by_id = operation.last_updated_by_id = user_id
    who = {"created_by_id": user_id, "last_updated_by_id": user_id}
    task, messages, own = _values(Task(**who)), _values(InterfacedMessage(**who)), _values(operation)
    for written_above in ("task_type_id", "subject_id", "ring_again_at"):
        del task[written_above]
    del messages["task_id"], own["task_id"]
    table = operation._meta.db_table
    returned = [field for field in operation._meta.concrete_fields if field.column not in own]
    statement = _STORE.format(
        code=Literal(code),
        name=Literal(table),
        patience=Literal(timedelta(seconds=settings.REPUBLISH_SECONDS)),
        may_have_one_more=quotas.may_have_one_more(user_id=user_id, most=most_active),
        task_columns=_columns(task),
        task_values=_literals(task),
        messages_columns=_columns(messages),
        messages_values=_literals(messages),
        table=Identifier(table),
        columns=_columns(own),
        values=_literals(own),
        returned=_columns(dict.fromkeys(str(field.column) for field in returned)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    if row is None:
        return False
    for field, value in zip(returned, row, strict=True):
        setattr(operation, field.attname, value)
    operation._state.adding, operation._state.db = False, connection.alias
    return True


def _values(instance: Model) -> dict[str, Any]:
    """What the columns of a new row get, but for its key and what the database gives itself."""
    fields = [field for field in instance._meta.concrete_fields if not field.primary_key]
    given = {field: field.pre_save(instance, True) for field in fields}
    return {
        str(field.column): field.get_db_prep_save(value, connection)
        for field, value in given.items()
        if not isinstance(value, DatabaseDefault)
    }


def _columns(values: Mapping[str, Any]) -> Composed:
    return SQL(", ").join(map(Identifier, values))


def _literals(values: Mapping[str, Any]) -> Composed:
    return SQL(", ").join(map(Literal, values.values()))
