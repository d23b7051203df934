"""Pages of big collections: whatever is asked, a page looks at some hundred rows, not at the whole table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from consumption.collections import READ_BATCHES
from consumption.writing.web import WRITE_BATCHES
from datafiles.collections import GENERIC_SETS
from hypermedia.asking import Asked
from hypermedia.collections import Collection, envelope
from hypermedia.links import href
from hypermedia.readers import Reader, Role
from hypermedia.seeking import LOOKED_AT
from jobs.collections import MESSAGES, TASKS
from jobs.models import TaskType
from jobs.notifications.listing import DELIVERIES, EVENTS

ROWS = int(os.environ.get("ROWS", "50000"))  # a slow test below asks again with a million
MOST_LOOKED_AT = 1_000
# Where every 250th row fits, walking along the ids until a page is full is right, and no dearer in a bigger table.
MOST_WALKED = LOOKED_AT * 5 // 4  # and what they are joined with, and what lies in between
BIG = {
    "jobs_task",
    "jobs_interfacedmessage",
    "consumption_readconsumptionbatch",
    "consumption_writeconsumptionbatch",
    "datafiles_datafileset",
    "notifications_notificationevent",
    "notifications_delivery",
}

pytestmark = pytest.mark.django_db

# Nearly everything is completed and belongs to one user. Foreign keys are not what is measured; all of it is undone.
_FILL = f"""
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT conrelid::regclass AS name, conname FROM pg_constraint
                WHERE contype = 'f' AND conrelid::regclass::text = ANY (%(big)s) LOOP
        EXECUTE format('ALTER TABLE %%s DROP CONSTRAINT %%I', one.name, one.conname);
    END LOOP;
END $$;
INSERT INTO jobs_task (id, created_by_id, last_updated_by_id, version, creation_date, last_updated_date,
                       subject_id, task_type_id, status, owner, thread_code, epoch, attempt_count, restart_count, rings,
                       rows_written)
     SELECT n, CASE WHEN n %% 1000 = 0 THEN %(rare)s ELSE %(user)s END, %(user)s, 1,
            timestamptz '2024-01-01Z' + n * interval '1 second', timestamptz '2025-01-01Z' - n * interval '1 second', n,
            (SELECT id FROM jobs_tasktype WHERE code = 'ReadConsumptionBatch'),
            CASE n %% 500 WHEN 0 THEN 'ERRORED' WHEN 1 THEN 'PENDING' WHEN 2 THEN 'PROCESSING' WHEN 3 THEN 'CANCELLED'
                 ELSE 'COMPLETED' END, '', '', 0, 1, 0, 0, 0
       FROM generate_series(1, {ROWS}) AS n;
INSERT INTO jobs_interfacedmessage (id, task_id, created_by_id, last_updated_by_id, version, creation_date,
                                    last_updated_date)
     SELECT id, id, created_by_id, created_by_id, 1, creation_date, last_updated_date FROM jobs_task;
INSERT INTO consumption_readconsumptionbatch (id, task_id, created_by_id, last_updated_by_id, version, creation_date,
                                              last_updated_date, status, transaction_start, transaction_end)
     SELECT id, id, created_by_id, created_by_id, 1, creation_date, last_updated_date,
            CASE status WHEN 'ERRORED' THEN 'Failed' WHEN 'CANCELLED' THEN 'Cancelled' WHEN 'COMPLETED' THEN 'Completed'
                 ELSE 'In Progress' END, last_updated_date, last_updated_date
       FROM jobs_task;
INSERT INTO datafiles_datafileset (id, code, description, locked, created_by_id, last_updated_by_id, version,
                                   creation_date, last_updated_date, totals)
     SELECT id, md5(id::text), '', false, created_by_id, created_by_id, 1, creation_date, last_updated_date, '[]'
       FROM jobs_task;
INSERT INTO consumption_writeconsumptionbatch (id, task_id, created_by_id, last_updated_by_id, version, creation_date,
                                               last_updated_date, status, input_set_id, holds_set, rows_read,
                                               rows_applied, rows_rejected)
     SELECT id, task_id, created_by_id, created_by_id, 1, creation_date, last_updated_date, status, id, false, 0, 0, 0
       FROM consumption_readconsumptionbatch;
INSERT INTO notifications_notificationevent (id, webhook_id, type, outcome, subject, body, creation_date)
     SELECT id, 'msg_' || id, CASE WHEN id %% 5000 = 0 THEN 'OperationFailed' ELSE 'ReadConsumptionBatch' END,
            CASE status WHEN 'ERRORED' THEN 'Failed' ELSE 'Completed' END,
            'generic/readconsumptionbatches/' || id, '{{}}', creation_date
       FROM jobs_task;
INSERT INTO notifications_notificationendpoint (id, name, url, http_method, authentication, sealed_credential,
                                                event_types, active, created_by_id, last_updated_by_id, version,
                                                expected_seconds, disabled_reason)
     SELECT n, 'endpoint ' || n, '', 'POST', '{{}}', '', '{{}}', true, %(user)s, %(user)s, 1, 60, ''
       FROM generate_series(901, 903) AS n;
INSERT INTO notifications_delivery (id, event_id, endpoint_id, status, epoch, retries, version)
     SELECT id, id, CASE WHEN id %% 1000 = 0 THEN 902 ELSE 901 END,
            CASE status WHEN 'ERRORED' THEN 'FAILED' WHEN 'PENDING' THEN 'PENDING' ELSE 'DELIVERED' END, 0, 0, 1
       FROM jobs_task;
ANALYZE;
"""


@pytest.fixture(scope="module")
def readers(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, Reader]]:
    """Somebody who owns nearly everything, somebody who owns little, and who sees all. Made once, never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        much, little = (User.objects.create(username=name) for name in ("much", "little"))
        with connection.cursor() as cursor:
            cursor.execute(_FILL, {"user": much.pk, "rare": little.pk, "big": list(BIG)})
        yield {
            "much": Reader(much.pk, "much", frozenset({Role.CLIENT})),
            "little": Reader(little.pk, "little", frozenset({Role.CLIENT})),
            "all": Reader(0, "operator", frozenset({Role.OPERATOR})),
        }
        transaction.set_rollback(True)


def looked_at(plan: dict[str, Any]) -> int:
    """The most rows of a big table that any one node of the plan read, the dropped ones included."""
    below = [looked_at(child) for child in plan.get("Plans", ())]
    if plan.get("Relation Name") not in BIG:
        return max(below, default=0)
    dropped = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    rows: float = (plan["Actual Rows"] + dropped) * plan["Actual Loops"]  # an average of the loops
    return max([round(rows), *below])


def explained(asked: CaptureQueriesContext) -> int:
    found = []
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            before, _, sql = query["sql"].rpartition("enable_sort = off; ")  # which holds for the statement behind it
            if before:
                cursor.execute("SET LOCAL enable_sort = off")
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.removesuffix('; SET LOCAL enable_sort = on')}")
            [(plans,)] = cursor.fetchall()
            cursor.execute("SET LOCAL enable_sort = on")
            plans = plans if isinstance(plans, list) else json.loads(plans)
            found.append(looked_at(plans[0]["Plan"]))
    return max(found)


def read(collection: Collection[Any], reader: Reader, **asked: Any) -> tuple[dict[str, Any], int]:
    with CaptureQueriesContext(connection) as statements:
        document = envelope(collection, Asked(**asked), reader)
    return document, explained(statements)


def cursor_of(document: dict[str, Any]) -> str:
    href = next(link["href"] for link in document["links"] if link["rel"] == "next")
    return str(href.rpartition("cursor=")[2].replace("%3A", ":"))


COLLECTIONS: list[Collection[Any]] = [READ_BATCHES, WRITE_BATCHES, TASKS, MESSAGES, GENERIC_SETS, EVENTS, DELIVERIES]


def orders(collection: Collection[Any]) -> list[str]:
    return [f"{name}{way}" for name, field in collection.fields.items() if field.sortable for way in ("", ":desc")]


SORTS = [(collection, order) for collection in COLLECTIONS for order in orders(collection)]


@pytest.mark.parametrize("who", ["much", "little", "all"])
@pytest.mark.parametrize("collection", COLLECTIONS, ids=lambda collection: collection.path)
def test_every_page_of_the_default_order(readers: dict[str, Reader], collection: Collection[Any], who: str) -> None:
    first, cost = read(collection, readers[who], limit=20)
    assert cost <= MOST_LOOKED_AT
    _, cost = read(collection, readers[who], limit=20, cursor=cursor_of(first))
    assert cost <= MOST_LOOKED_AT


@pytest.mark.parametrize(("collection", "order"), SORTS, ids=lambda value: getattr(value, "path", value))
def test_every_order_at_any_depth(readers: dict[str, Reader], collection: Collection[Any], order: str) -> None:
    asked: dict[str, Any] = {"order_by": order, "limit": 20}
    document, cost = read(collection, readers["all"], **asked)
    assert cost <= MOST_LOOKED_AT
    for _ in range(2):
        document, cost = read(collection, readers["all"], **asked, cursor=cursor_of(document))
        assert cost <= MOST_LOOKED_AT


@pytest.mark.parametrize("name", ["creationDate", "lastUpdatedDate"])
def test_a_span_of_time_in_its_own_order(readers: dict[str, Reader], name: str) -> None:
    q = f"{name}.gte('2024-01-01T13:50:00Z').and.{name}.lt('2024-12-31T12:00:00Z')"
    document, cost = read(TASKS, readers["all"], q=q, order_by=name, limit=20)
    assert document["hasMore"]
    assert cost <= MOST_LOOKED_AT


SEARCHES = [
    (TASKS, "status.eq('ERRORED')"),
    (TASKS, "status.eq('CANCELLED').and.id.gt(25000)"),
    (TASKS, "status.in('PENDING','PROCESSING')"),
    (TASKS, "status.eq('COMPLETED').and.id.gt(25000)"),
    (TASKS, "subjectId.eq(30000)"),
    (TASKS, "taskType.code.eq('ReadConsumptionBatch')"),
    (TASKS, "lastUpdatedDate.gte('2024-12-31T23:59:00Z')"),
    (READ_BATCHES, "status.eq('Failed')"),
    (READ_BATCHES, "transactionStartDateTime.gte('2024-12-31T23:59:00Z')"),
    (READ_BATCHES, "task.id.eq(40000)"),
    (MESSAGES, "task.id.in(40000,7)"),
    (GENERIC_SETS, "code.eq('c4ca4238a0b923820dcc509a6f75849b')"),
    (GENERIC_SETS, "code.like('c4ca42%')"),
    (GENERIC_SETS, "createdBy.eq(0)"),
]


@pytest.mark.parametrize(("collection", "q"), SEARCHES, ids=lambda value: getattr(value, "path", value))
def test_searches(readers: dict[str, Reader], collection: Collection[Any], q: str) -> None:
    document, cost = read(collection, readers["all"], q=q, limit=20)
    assert cost <= MOST_WALKED
    if document["hasMore"]:
        _, cost = read(collection, readers["all"], q=q, limit=20, cursor=cursor_of(document))
        assert cost <= MOST_WALKED


def test_counting_ends_at_ten_thousand(readers: dict[str, Reader]) -> None:
    document, cost = read(TASKS, readers["all"], total_results=True)
    assert document["totalResults"] == "10000+"
    assert cost <= 10_001
    document, _ = read(TASKS, readers["little"], total_results=True)
    assert document["totalResults"] == str(ROWS // 1000)


# One of each kind of value: what many rows have, what few have, what none has.
VALUES: dict[str, list[str]] = {
    "id": ["eq(7)", "gt(40000)", "in(7,8)", "lt(0)"],
    "createdBy": ["eq(0)", "eq({little})", "eq({much})"],
    "creationDate": ["gte('2024-01-01T13:50:00Z')", "lt('2000-01-01T00:00:00Z')"],
    "lastUpdatedDate": ["gte('2024-12-31T23:59:00Z')", "gt('2030-01-01T00:00:00Z')"],
    "subjectId": ["eq(30000)", "eq(0)"],
    "task.id": ["eq(40000)", "eq(0)"],
    "taskType.id": ["eq({type})", "eq(0)"],
    "taskType.code": ["eq('ReadConsumptionBatch')", "eq('None')"],
    "transactionStartDateTime": ["gte('2024-12-31T23:59:00Z')", "gt('2030-01-01T00:00:00Z')"],
    "transactionEndDateTime": ["gte('2024-12-31T23:59:00Z')", "gt('2030-01-01T00:00:00Z')"],
    "code": ["eq('c4ca4238a0b923820dcc509a6f75849b')", "eq('none')"],
    "webhookId": ["eq('msg_7')", "eq('none')"],
    "eventType": ["eq('ReadConsumptionBatch')", "eq('OperationFailed')", "eq('none')"],
    "outcome": ["eq('Completed')", "eq('Failed')", "ne('Completed')"],
    "subject": ["eq('{root}generic/readconsumptionbatches/7')", "eq('{root}none')"],
    "endpoint.id": ["eq(901)", "eq(902)", "eq(903)"],
    "jobId": ["eq('none')"],
}
STATUSES = {
    TASKS.path: ("COMPLETED", "ERRORED", "PENDING"),
    READ_BATCHES.path: ("Completed", "Failed", "Cancelled"),
    WRITE_BATCHES.path: ("Completed", "Failed"),
    DELIVERIES.path: ("DELIVERED", "PENDING", "FAILED", "SENDING"),
}


MIXED = {
    TASKS.path: ("status,id:desc", "status,creationDate:desc", "lastUpdatedDate,status"),
    READ_BATCHES.path: ("status:desc,transactionEndDateTime", "creationDate:desc,id"),
}


def conditions(collection: Collection[Any]) -> list[str]:
    statuses = [f"eq('{status}')" for status in STATUSES.get(collection.path, ())]
    values = {**VALUES, "status": statuses}
    return [f"{name}.{value}" for name in collection.fields for value in values.get(name, ())]


COMBINATIONS = [
    (collection, q, order)
    for collection in COLLECTIONS
    for q in conditions(collection)
    for order in (*orders(collection), *MIXED.get(collection.path, ()))
]


READ_BY = [
    (collection, who)
    for collection in COLLECTIONS
    for who in ("all", "little", *(["much"] if ROWS > 50_000 else []))
    if collection.everything is not None or who == "all"
]


@pytest.mark.parametrize(("collection", "who"), READ_BY, ids=lambda value: getattr(value, "path", value))
def test_every_field_in_every_order(readers: dict[str, Reader], collection: Collection[Any], who: str) -> None:
    """A page of whatever may be asked looks at a bounded number of rows, however many there are."""
    names: dict[str, Any] = {name: reader.user_id for name, reader in readers.items()}
    names |= {"type": TaskType.objects.earliest("pk").pk, "root": href("")}
    dear = {}
    for _, q, order in (one for one in COMBINATIONS if one[0] is collection):
        _, cost = read(collection, readers[who], q=q.format(**names), order_by=order, limit=20)
        if cost > MOST_WALKED:
            dear[q, order] = cost
    assert dear == {}


@pytest.mark.slow
def test_the_same_with_a_million() -> None:
    """With twenty times the rows, and bounds that do not grow with them."""
    if "ROWS" in os.environ:
        pytest.skip("this is it")
    program = [
        sys.executable,
        "-m",
        "pytest",
        __file__,
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
    ]
    again = subprocess.run(
        program, env={**os.environ, "ROWS": "1000000"}, capture_output=True, text=True, timeout=1500, check=False
    )
    assert again.returncode == 0, again.stdout[-5000:]
