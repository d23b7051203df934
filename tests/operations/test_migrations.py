"""Every migration can be put on while processes of the release before run: it takes nothing away, asks nothing of who
does not know it, and keeps nobody waiting. Read from the SQL that each would send."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

# Where the first upgrade that was tried began; what came before made the tables.
FIRST_TRIED = {
    ("audit", "0002_append_only"),
    ("callbacks", "0003_console_lists"),
    ("consumption", "0009_console_lists"),
    ("datafiles", "0004_uploads_and_holds"),
    ("jobs", "0008_worker_heartbeat"),
    ("notifications", "0003_console_lists"),
    ("schedules", "0002_formats"),
}
_TABLE = r'(?:ONLY )?"?(\w+)"?'
REFUSED = {
    r"\bDROP (TABLE|COLUMN)\b": "old processes still use it",
    r"ALTER TABLE .*\bRENAME\b": "old processes know the old name",
    r"\bSET NOT NULL\b": "old processes may leave it out",
    r"\bALTER COLUMN \S+ TYPE\b": "it may rewrite the table",
    r"\bDROP DEFAULT\b": "old processes leave the column out: give it a db_default",
    r"\bDROP INDEX (?!CONCURRENTLY)": "everybody waits: RemoveIndexConcurrently",
    r"\bLOCK TABLE\b": "everybody waits",
    r"\bUPDATE \w+ SET\b": "it may take long, with every row locked: do it in pieces elsewhere",
}


def wrong_with(statements: Iterable[str]) -> list[str]:
    """What of these statements of one migration does not go with processes that run meanwhile."""
    wrong: list[str] = []
    made: set[str] = set()
    for statement in statements:
        text = " ".join(line for line in statement.splitlines() if not line.startswith("--"))
        made |= set(re.findall(rf"CREATE TABLE {_TABLE}", text))
        wrong += [f"{why}: {text}" for pattern, why in REFUSED.items() if re.search(pattern, text)]
        for table in re.findall(rf"CREATE (?:UNIQUE )?INDEX \S+ ON {_TABLE}", text):  # no CONCURRENTLY in between
            wrong += [] if table in made else [f"writers wait: AddIndexConcurrently: {text}"]
        for table in re.findall(rf"ALTER TABLE {_TABLE} ADD CONSTRAINT (?!.*NOT VALID)", text):
            wrong += [] if table in made else [f"everybody waits while rows are checked: NOT VALID: {text}"]
        if re.search(r"ADD COLUMN\b(?!.*\bDEFAULT\b).*\bNOT NULL\b", text):
            wrong.append(f"old processes leave it out: {text}")
    return wrong


@pytest.mark.django_db(transaction=True)  # those that build indexes would refuse a transaction
def test_every_migration_goes_with_older_processes() -> None:
    loader = MigrationLoader(connection, replace_migrations=False)
    before = {node for first in FIRST_TRIED for node in loader.graph.forwards_plan(first)}
    ours = {label for label, _ in FIRST_TRIED}
    newer = [
        node
        for leaf in loader.graph.leaf_nodes()
        if leaf[0] in ours
        for node in loader.graph.forwards_plan(leaf)
        if node[0] in ours and node not in before
    ]
    assert newer, "there are some"
    found = {}
    for node in dict.fromkeys(newer):
        statements = loader.collect_sql([(loader.graph.nodes[node], False)])
        if wrong := wrong_with(statements):
            found[".".join(node)] = wrong
    assert found == {}


@pytest.mark.parametrize(
    "statement",
    [
        'ALTER TABLE "jobs_task" DROP COLUMN "owner" CASCADE;',
        'DROP TABLE "jobs_task" CASCADE;',
        'ALTER TABLE "jobs_task" RENAME COLUMN "owner" TO "holder";',
        'ALTER TABLE "jobs_task" RENAME TO "jobs_work";',
        'ALTER TABLE "jobs_task" ALTER COLUMN "owner" SET NOT NULL;',
        'ALTER TABLE "jobs_task" ALTER COLUMN "owner" TYPE varchar(10) USING "owner"::varchar(10);',
        'ALTER TABLE "jobs_task" ADD COLUMN "why" varchar(10) NOT NULL;',
        'ALTER TABLE "jobs_task" ALTER COLUMN "why" DROP DEFAULT;',
        'CREATE INDEX "task_why" ON "jobs_task" ("why");',
        'CREATE UNIQUE INDEX "task_why" ON "jobs_task" ("why");',
        'DROP INDEX IF EXISTS "task_why";',
        'ALTER TABLE "jobs_task" ADD CONSTRAINT "why" CHECK ("why" > 1);',
        "UPDATE jobs_task SET why = 'because'",
    ],
)
def test_what_does_not_go_is_noticed(statement: str) -> None:
    assert len(wrong_with(["--\n-- Do it\n--", statement])) == 1


def test_what_goes_is_let_through() -> None:
    statements = [
        'CREATE TABLE "jobs_note" ("id" bigint NOT NULL PRIMARY KEY);',
        'CREATE INDEX "note_id" ON "jobs_note" ("id");',
        'ALTER TABLE "jobs_note" ADD CONSTRAINT "one" CHECK ("id" > 1);',
        'ALTER TABLE "jobs_task" ADD COLUMN "why" varchar(10) NULL;',
        'ALTER TABLE "jobs_task" ADD COLUMN "how" varchar(10) DEFAULT \'\' NOT NULL;',
        'CREATE INDEX CONCURRENTLY "task_why" ON "jobs_task" ("why");',
        'DROP INDEX CONCURRENTLY IF EXISTS "task_how";',
        'ALTER TABLE "jobs_task" ADD CONSTRAINT "why" CHECK ("why" > 1) NOT VALID;',
    ]
    assert wrong_with(statements) == []
