"""Pages of big collections: at any depth, and of whatever is searched for, against the same of a hundred tasks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from django.contrib.auth.models import Group, User
from django.db import connection

from benchmarks import export, ledgers, peers
from benchmarks.calls import Site
from benchmarks.rows import AtMost, Prepare, Row, Side
from benchmarks.web import service, token
from hypermedia import cursors
from hypermedia.readers import Role
from jobs.callbacks.models import AccessToken

MILLION, HUNDRED = 1_000_000, 100
PAGES = 25
LIMIT = 20
LITTLE = "little"  # somebody who owns few of the tasks; nearly all are those of `testuser1`
_DATABASES = {"many": 3, "few": 4}
# One of `step` rows has failed, and the one after it belongs to somebody with few: 2,000 of a million, 25 of a hundred,
# so that a page is full on both sides. What was made last was changed first. Foreign keys are not what is measured, and
# would take most of the time.
_FILL = """
    DO $$ DECLARE one record; BEGIN
        FOR one IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
                    WHERE contype = 'f' AND conrelid::regclass::text IN ('jobs_task', 'jobs_interfacedmessage') LOOP
            EXECUTE format('ALTER TABLE %%s DROP CONSTRAINT %%I', one.name, one.conname);
        END LOOP;
    END $$;
    INSERT INTO jobs_task (created_by_id, last_updated_by_id, version, creation_date, last_updated_date, subject_id,
                           task_type_id, status, owner, thread_code, epoch, attempt_count, restart_count, rings,
                           rows_written)
         SELECT CASE n %% %(step)s WHEN 1 THEN %(little)s ELSE %(much)s END, %(much)s, 1,
                timestamptz '2024-01-01Z' + n * interval '1 second',
                timestamptz '2025-01-01Z' - n * interval '1 second', n,
                (SELECT id FROM jobs_tasktype WHERE code = 'ReadConsumptionBatch'),
                CASE n %% %(step)s WHEN 0 THEN 'ERRORED' WHEN 2 THEN 'CANCELLED' ELSE 'COMPLETED' END,
                '', '', 0, 1, 0, 0, 0
           FROM generate_series(1, %(rows)s) AS n;
    INSERT INTO jobs_interfacedmessage (task_id, created_by_id, last_updated_by_id, version, creation_date,
                                        last_updated_date)
         SELECT id, created_by_id, created_by_id, 1, creation_date, last_updated_date FROM jobs_task;
"""


def many_tasks(rows: int, database: int = _DATABASES["many"]) -> int:
    """So many tasks, in a database of their own; the id of the last but some hundred."""
    ledgers.use(database)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM jobs_task")
        if cursor.fetchone()[0] != rows:
            names = {"much": export.owner(), "little": _little().pk, "step": rows // max(25, rows // 500)}
            cursor.execute("TRUNCATE jobs_task, jobs_interfacedmessage CASCADE")
            cursor.execute(_FILL, {**names, "rows": rows})
            cursor.execute("VACUUM ANALYZE jobs_task, jobs_interfacedmessage")
        cursor.execute("SELECT max(id) - 200 FROM jobs_task")
        return int(cursor.fetchone()[0])


def _little() -> User:
    user, is_new = User.objects.get_or_create(username=LITTLE)
    if is_new:
        user.groups.add(Group.objects.get(name=Role.CLIENT))
    return user


def deep_page(last: int) -> str:
    place = cursors.write(cursors.Cursor([last], last), "generic/tasks?q=None&orderBy=None")
    return f"/api/generic/tasks?limit=50&cursor={place}"


@contextmanager
def depth(size: int | None) -> Iterator[tuple[Side, Side]]:
    """Milliseconds of a page of 50."""
    last, text = many_tasks(size or MILLION), token("operator1", AccessToken.Scope.API)
    site, deep = service(), deep_page(last)

    def page(path: str) -> float:
        return site.many(50, "GET", path, text) / 50 * 1e3

    yield lambda: page(deep), lambda: page("/api/generic/tasks?limit=50")


@contextmanager
def list_against_bare(size: int | None) -> Iterator[tuple[Side, Side]]:
    """CPU of this process for one deep page of 50, in milliseconds."""
    last, text = many_tasks(size or MILLION), token("operator1", AccessToken.Scope.API)
    ours, theirs, deep = service(), Site("benchmarks.peers"), deep_page(last)
    peers.STATEMENTS["tasks"] = ours.statements("GET", deep, text)

    def cpu(site: Site, path: str) -> float:
        return site.many(50, "GET", path, text, clock=time.process_time) / 50 * 1e3

    yield lambda: cpu(ours, deep), lambda: cpu(theirs, "/bare/tasks")


def searched(who: str, **asked: str) -> Prepare:
    """Milliseconds of the first page of a search, among very many tasks and among a hundred; the fastest of some, which
    is what it costs and not what else the machine did."""

    @contextmanager
    def prepare(size: int | None) -> Iterator[tuple[Side, Side]]:
        sides = {name: _search(name, rows, who, asked) for name, rows in (("few", HUNDRED), ("many", size or MILLION))}
        yield sides["many"], sides["few"]

    return prepare


def _search(name: str, rows: int, who: str, asked: dict[str, str]) -> Side:
    database = _DATABASES[name]
    many_tasks(rows, database)
    text, site = token(who, AccessToken.Scope.API), service()
    path = f"/api/generic/tasks?{urlencode({**_filled_in(asked, rows), 'limit': LIMIT}, quote_via=quote)}"

    def pages() -> float:
        ledgers.use(database)
        return min(site.many(1, "GET", path, text) for _ in range(PAGES)) * 1e3

    return pages


def _filled_in(asked: dict[str, str], rows: int) -> dict[str, str]:
    """A search may name an id in the middle, moments when half and when all but the last few were made or changed, and
    who owns few."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT min(id) + %(rows)s / 2, to_char(min(last_updated_date) + %(rows)s / 2 * interval '1 second', %(as)s),
                   to_char(max(creation_date) - least(3000, %(rows)s / 2) * interval '1 second', %(as)s)
              FROM jobs_task
            """,
            {"rows": rows, "as": 'YYYY-MM-DD"T"HH24:MI:SSOF":00"'},
        )
        middle, half, last = cursor.fetchone()
    values: dict[str, Any] = {"middle": middle, "half": half, "last": last, "little": _little().pk}
    return {name: text.format(**values) for name, text in asked.items()}


_UPDATED = "lastUpdatedDate.gte('{half}')"
# What is asked, and by whom: an operator sees all, `testuser1` nearly all, `little` few.
SEARCHES: dict[str, Prepare] = {
    "first-page": searched("operator1"),
    "newest": searched("operator1", orderBy="lastUpdatedDate:desc"),
    "by-status": searched("operator1", orderBy="status,creationDate:desc"),
    "completed": searched("operator1", q="status.eq('COMPLETED')", orderBy="lastUpdatedDate:desc"),
    "errored": searched("operator1", q="status.eq('ERRORED').and.id.gt(10)"),
    "of-few-by-status": searched("operator1", q="createdBy.eq({little})", orderBy="status"),
    "half-by-status": searched("operator1", q="id.gt({middle})", orderBy="status"),
    "subject": searched("operator1", q="subjectId.eq(7)"),
    "no-such-type": searched("operator1", q="taskType.code.eq('TaskRestartBatch')", orderBy="creationDate"),
    "last-by-id": searched("operator1", q="creationDate.gte('{last}')"),
    "half-updated": searched("operator1", q=_UPDATED, orderBy="lastUpdatedDate"),
    "half-updated-by-id": searched("operator1", q=_UPDATED, orderBy="id:desc"),
    "own-few": searched(LITTLE, orderBy="lastUpdatedDate:desc"),
    "own-errored": searched("testuser1", q="status.eq('ERRORED')", orderBy="creationDate:desc"),
}

ROWS = [
    Row("list-depth", "page at 10^6", "first page", AtMost(1.3), "ms", depth, starred=True),
    Row("list-cpu", "page at 10^6", "bare keyset view", AtMost(2), "ms", list_against_bare, starred=True),
    *(
        Row(f"search-{name}", "search among 10^6", "among 100", AtMost(1.3), "ms", prepare)
        for name, prepare in SEARCHES.items()
    ),
]
