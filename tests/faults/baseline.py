"""What the programs have open, to compare it with what they had in the beginning."""

from __future__ import annotations

from typing import NamedTuple

import psycopg

from tests.faults import processes

_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tallyport%'
"""


class Baseline(NamedTuple):
    sessions: int  # of the service in the database
    files: dict[str, int]  # by program: of that of its processes that has most


def baseline(database_url: str, groups: dict[int, str]) -> Baseline:
    with psycopg.connect(database_url, autocommit=True, application_name="tests") as connection:
        row = connection.execute(_SESSIONS).fetchone()
    assert row is not None
    return Baseline(int(row[0]), processes.open_files(groups))
