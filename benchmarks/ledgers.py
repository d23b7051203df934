"""Databases with a sample ledger of a given size, each made once in a run, and the switch from one to another.

They are vacuumed, as a ledger is that has been there for a while.
"""

from __future__ import annotations

import os

import psycopg
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from psycopg.sql import SQL, Composed, Identifier

from benchmarks import servers
from config.supervisor import users
from consumption import sample

_made: set[int] = set()


def use(rows: int) -> None:
    """From here on the service in this process, and programs that are started, work on a ledger of so many rows."""
    name = f"ledger_{rows}"
    connection.close()
    if rows not in _made:
        _as_administrator(
            "postgres",
            SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)),
            SQL("CREATE DATABASE {} OWNER tallyport").format(Identifier(name)),
        )
    connection.settings_dict["NAME"] = name
    ContentType.objects.clear_cache()
    os.environ["DATABASE_URL"] = servers.here().database_url_as("tallyport", name)
    if rows not in _made:
        _fill(rows)
        _as_administrator(name, SQL("VACUUM (ANALYZE, FREEZE)"), SQL("CHECKPOINT"))
        _made.add(rows)


def _fill(rows: int) -> None:
    """Tables, development users and the sample."""
    call_command("migrate", interactive=False, verbosity=0)
    users.create()
    if rows:
        sample.make(rows=rows)


def _as_administrator(database: str, *statements: SQL | Composed) -> None:
    url = servers.here().database_url_as("postgres", database)
    with psycopg.connect(url, autocommit=True) as administration:
        for statement in statements:
            administration.execute(statement)
