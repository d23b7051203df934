"""Ending an attempt: one statement that one worker gets through, the one whose epoch still owns the task.

Written by hand beside the claim, its counterpart: the ORM would take two statements, and longer to put them together
than PostgreSQL takes to run them.
"""

from __future__ import annotations

from hypermedia.database import row
from jobs.models import Task
from jobs.states import Move, allowed_from, leads_to

# The fence stands in the UPDATE: whoever waited for another one's lock looks at the row again.
_FINISH = """
    WITH finished AS (
        UPDATE jobs_task
           SET status = %(status)s, version = version + 1, last_updated_date = statement_timestamp(),
               lease_expires_at = NULL, rows_written = coalesce(%(rows_written)s::bigint, rows_written)
         WHERE id = %(task_id)s AND epoch = %(epoch)s AND status = ANY(%(allowed)s)
        RETURNING id
    ), attempt AS (
        UPDATE jobs_taskattempt SET ended_at = statement_timestamp(), outcome = %(outcome)s, stack_trace = %(trace)s
         WHERE task_id IN (SELECT id FROM finished) AND ended_at IS NULL
    )
    SELECT id FROM finished
"""


def finish(task: Task, move: Move, *, outcome: str, stack_trace: str, rows_written: int | None) -> bool:
    """PROCESSING -> what the move leads to, while the task's epoch owns it; the log of attempts says how it ended."""
    moved = {"status": leads_to(move).value, "allowed": [status.value for status in allowed_from(move)]}
    attempt = {"outcome": str(outcome), "trace": stack_trace, "rows_written": rows_written}
    return row(_FINISH, {"task_id": task.pk, "epoch": task.epoch, **moved, **attempt}) is not None
