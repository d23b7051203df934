"""Claiming a task: one statement, and so one transaction, that one worker wins.

The row count of a conditional UPDATE decides; the attempt's row is written beside it. Written by hand, since the ORM
would take four statements and a transaction around them for each of the smallest exports.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS

from hypermedia.database import row
from jobs.models import Task, TaskType
from jobs.states import Move, allowed_from, leads_to

# The condition stands in the UPDATE: whoever waited for another one's lock looks at the row again.
_CLAIM = """
    WITH claimed AS (
        UPDATE jobs_task
           SET status = %(claimed)s, version = version + 1, last_updated_date = statement_timestamp(),
               owner = %(owner)s, thread_code = %(thread_code)s, epoch = epoch + 1, attempt_count = attempt_count + 1,
               lease_expires_at = statement_timestamp() + %(lease)s
         WHERE id = %(task_id)s AND status = ANY(%(claimable)s)
           AND NOT EXISTS (SELECT FROM jobs_taskprocessing WHERE stopped)
           AND task_type_id IN (SELECT id FROM jobs_tasktype WHERE code = ANY(%(known)s))
        RETURNING *
    ), attempt AS (
        INSERT INTO jobs_taskattempt (task_id, epoch, owner, celery_task_id, started_at, outcome, stack_trace)
        SELECT id, epoch, owner, %(celery_task_id)s, statement_timestamp(), '', '' FROM claimed
    )
    SELECT {columns}, jobs_tasktype.code FROM claimed JOIN jobs_tasktype ON jobs_tasktype.id = task_type_id
"""
_MOVE = {"claimable": [status.value for status in allowed_from(Move.CLAIM)], "claimed": leads_to(Move.CLAIM).value}


def claim(
    *, task_id: int, owner: str, thread_code: str, celery_task_id: str, lease: timedelta, known: Sequence[str]
) -> Task | None:
    """PENDING -> PROCESSING by compare-and-set, for tasks of the `known` types; None when somebody else was first, or
    while the queue is stopped."""
    sql, columns = _statement()
    values: Any = {"task_id": task_id, "owner": owner, "thread_code": thread_code, "celery_task_id": celery_task_id}
    values |= {"lease": lease, "known": list(known)}
    found = row(sql, {**_MOVE, **values})
    if found is None:
        return None
    task = Task.from_db(DEFAULT_DB_ALIAS, columns, found[:-1])
    task.task_type = TaskType.from_db(DEFAULT_DB_ALIAS, ["id", "code"], [task.task_type_id, found[-1]])
    return task


@cache
def _statement() -> tuple[str, list[str]]:
    fields = Task._meta.concrete_fields
    columns = ", ".join(f"claimed.{field.column}" for field in fields)
    return _CLAIM.format(columns=columns), [field.attname for field in fields]
