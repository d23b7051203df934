"""What became of every task and operation, step by step, as the database saw it: triggers write it down, and the whole
of it has to be legal. Shares nothing with the service: the moves stand here once more."""

from __future__ import annotations

from typing import Any

import psycopg

TASK_MOVES = {
    ("PENDING", "PROCESSING"),  # claimed
    ("PROCESSING", "PENDING"),  # given back, or taken from a lost worker
    ("PROCESSING", "COMPLETED"),
    ("PROCESSING", "ERRORED"),
    ("ERRORED", "PENDING"),  # restarted
    ("PENDING", "CANCELLED"),
    ("PROCESSING", "CANCELLED"),
}
OPERATION_MOVES = {
    ("In Progress", "Completed"),
    ("In Progress", "Failed"),
    ("In Progress", "Cancelled"),
    ("Failed", "In Progress"),
}
ENDS = ("COMPLETED", "ERRORED", "CANCELLED")

_RECORDER = """
    CREATE TABLE history (
        id bigint GENERATED ALWAYS AS IDENTITY, kind text, subject bigint, old text, new text,
        old_version bigint, new_version bigint, old_epoch bigint, new_epoch bigint,
        lease_left interval, at timestamptz DEFAULT clock_timestamp());
    CREATE FUNCTION record_task() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO history (kind, subject, old, new, old_version, new_version, old_epoch, new_epoch, lease_left)
        VALUES ('task', NEW.id, OLD.status, NEW.status, OLD.version, NEW.version, OLD.epoch, NEW.epoch,
                OLD.lease_expires_at - clock_timestamp());
        RETURN NULL; END $$;
    CREATE TRIGGER record_task AFTER UPDATE OF status ON jobs_task FOR EACH ROW
        WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION record_task();
    CREATE FUNCTION record_operation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO history (kind, subject, old, new, old_version, new_version)
        VALUES (TG_ARGV[0], NEW.id, OLD.status, NEW.status, OLD.version, NEW.version);
        RETURN NULL; END $$;
    CREATE TRIGGER record_export AFTER UPDATE OF status ON consumption_readconsumptionbatch FOR EACH ROW
        WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION record_operation('export');
    CREATE TRIGGER record_import AFTER UPDATE OF status ON consumption_writeconsumptionbatch FOR EACH ROW
        WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION record_operation('import');
"""
# A live worker's task may be given back by that worker alone: the sweep takes only what has run out.
_TAKEN_TOO_EARLY = """
    SELECT h.subject, h.lease_left, m.text FROM history h
      JOIN jobs_interfacedmessage i ON i.task_id = h.subject
      JOIN jobs_message m ON m.interfaced_message_id = i.id AND m.xmin = h.xmin
     WHERE h.kind = 'task' AND h.old = 'PROCESSING' AND h.lease_left > interval '0'
       AND m.text LIKE '%stopped answering%'
"""
# What a completed attempt leaves was read while it ran, and by nobody before.
_OF_ANOTHER_ATTEMPT = """
    SELECT b.id, b.snapshot_at, a.started_at, a.ended_at FROM consumption_readconsumptionbatch b
      JOIN jobs_taskattempt a ON a.task_id = b.task_id AND a.outcome = 'completed'
     WHERE b.status = 'Completed' AND NOT b.snapshot_at BETWEEN a.started_at AND a.ended_at
"""
_ATTEMPTS_THAT_OVERLAP = """
    SELECT a.task_id, a.epoch, b.epoch FROM jobs_taskattempt a JOIN jobs_taskattempt b
        ON b.task_id = a.task_id AND b.epoch > a.epoch AND b.started_at < coalesce(a.ended_at, 'infinity')
"""
_PLANNED_TWICE = "SELECT schedule_id, planned_at FROM schedules_scheduledrun GROUP BY 1, 2 HAVING count(*) > 1"
_EVENTS_AND_ENDS = """
    SELECT o.subject, (SELECT count(*) FROM notifications_notificationevent e
                        WHERE e.subject = o.subject AND e.type = o.type),
           (SELECT count(*) FROM history h WHERE h.kind = 'task' AND h.subject = o.task_id AND h.new = ANY(%s))
      FROM (SELECT 'generic/readconsumptionbatches/' || id AS subject, 'ReadConsumptionBatch' AS type, task_id
              FROM consumption_readconsumptionbatch
             UNION ALL
            SELECT 'generic/writeconsumptionbatches/' || id, 'WriteConsumptionBatch', task_id
              FROM consumption_writeconsumptionbatch) AS o
"""


def start(database_url: str) -> None:
    """Writes down, from now on, every change of status."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_RECORDER)


def faults(database_url: str) -> list[str]:
    """What is wrong with the history of exports and imports, in words; nothing when all is well."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        early = connection.execute(_TAKEN_TOO_EARLY).fetchall()
        strange = connection.execute(_OF_ANOTHER_ATTEMPT).fetchall()
        overlaps = connection.execute(_ATTEMPTS_THAT_OVERLAP).fetchall()
        twice = connection.execute(_PLANNED_TWICE).fetchall()
        events = connection.execute(_EVENTS_AND_ENDS, [list(ENDS)]).fetchall()
        return [
            *_illegal(connection),
            *(f"task {row[0]} was taken {row[1]} too early: {row[2]}" for row in early),
            *(f"export {row[0]} has the result of another attempt: {row[1:]}" for row in strange),
            *(f"attempts {row[1:]} of task {row[0]} overlap" for row in overlaps),
            *(f"schedule {row[0]} has two runs for {row[1]}" for row in twice),
            *(f"{row[0]} ended {row[2]} times and has {row[1]} events" for row in events if row[1] != row[2]),
        ]


def failures(database_url: str, batch: int) -> int:
    """How often the export failed."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        query = "SELECT count(*) FROM history WHERE kind = 'export' AND subject = %s AND new = 'Failed'"
        row = connection.execute(query, [batch]).fetchone()
    assert row is not None
    return int(row[0])


def _illegal(connection: psycopg.Connection[Any]) -> list[str]:
    moves = {"task": TASK_MOVES, "export": OPERATION_MOVES, "import": OPERATION_MOVES}
    steps = connection.execute(
        """SELECT kind, subject, old, new, old_version, new_version, coalesce(old_epoch, 0), coalesce(new_epoch, 0)
             FROM history"""
    )
    told = []
    for kind, subject, old, new, version, next_version, epoch, next_epoch in steps:
        if (old, new) not in moves[kind]:
            told.append(f"{kind} {subject} went from {old} to {new}")
        if next_version <= version:
            told.append(f"{kind} {subject} kept version {version} when it became {new}")
        if next_epoch < epoch:
            told.append(f"{kind} {subject} fell from epoch {epoch} to {next_epoch}")
    return told
