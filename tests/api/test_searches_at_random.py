"""Whatever is asked in whatever order, the links lead through the rows that a list in Python has."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User

from hypermedia import seeking
from hypermedia.asking import Asked
from hypermedia.collections import Collection, envelope
from hypermedia.readers import Reader, Role
from jobs.callbacks.models import IntegrationJob
from jobs.collections import TASKS
from jobs.models import InterfacedMessage, Task, TaskType
from jobs.notifications.listing import DELIVERIES
from jobs.notifications.models import Delivery, NotificationEndpoint, NotificationEvent
from jobs.notifications.states import DeliveryStatus
from jobs.states import TaskStatus
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ROWS = 60
SEARCHES = 40
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
# SOON, FEW, FIRST_LOOK, LOOKED_AT: as they are, and so low that each way of finding a page is gone and pages are short.
BOUNDS = [(10, 10_000, 5_000, 20_000), (1, 0, 2, 3), (3, 8, 4, 9), (2, 60, 5, 5)]


@dataclass(frozen=True)
class World:
    """What a reader sees of a collection: for each row its searchable values, under their names on the wire."""

    collection: Collection[Any]
    reader: Reader
    rows: list[dict[str, Any]]


def moment(chance: random.Random) -> datetime:
    """Many are the same, some only to the millisecond that clients see."""
    return BEGAN + timedelta(seconds=chance.randrange(8), microseconds=chance.choice([0, 0, 400, 1000]))


def tasks(chance: random.Random) -> list[World]:
    users: list[User] = [UserFactory.create(roles=[Role.CLIENT]) for _ in range(3)]
    kinds = list(TaskType.objects.order_by("pk")[:3])
    for number in range(ROWS):
        mine = users[chance.choice([0, 0, 0, 1, 1, 2])]
        task = Task.objects.create(
            created_by=mine,
            last_updated_by=mine,
            task_type=chance.choice(kinds),
            subject_id=chance.choice([None, number // 3]),
            status=chance.choice([*TaskStatus, *[TaskStatus.COMPLETED] * 6]).value,
        )
        Task.objects.filter(pk=task.pk).update(creation_date=moment(chance), last_updated_date=moment(chance))
        InterfacedMessage.objects.create(task=task, created_by=mine, last_updated_by=mine)
    rows = [
        {
            "id": task.pk,
            "createdBy": task.created_by_id,
            "creationDate": task.creation_date,
            "lastUpdatedDate": task.last_updated_date,
            "status": task.status,
            "subjectId": task.subject_id,
            "taskType.id": task.task_type_id,
            "taskType.code": task.task_type.code,
        }
        for task in Task.objects.select_related("task_type")
    ]
    worlds = [World(TASKS, Reader(0, "operator", frozenset({Role.OPERATOR})), rows)]
    for user in users:
        own = [row for row in rows if row["createdBy"] == user.pk]
        worlds.append(World(TASKS, Reader(user.pk, user.username, frozenset({Role.CLIENT})), own))
    return worlds


def deliveries(chance: random.Random) -> list[World]:
    """Their conditions lie in joined tables, one of which may have no row."""
    user = UserFactory.create()
    endpoints = [
        NotificationEndpoint.objects.create(
            name=f"endpoint {number}", event_types=["*"], created_by=user, last_updated_by=user
        )
        for number in range(2)
    ]
    rows = []
    for number in range(ROWS):
        event = NotificationEvent.objects.create(
            type=chance.choice(["A", "B"]),
            outcome="Completed",
            subject=f"generic/tasks/{number}",
            body="{}",
            creation_date=BEGAN,
        )
        job = chance.choice([None, IntegrationJob.objects.create(integration=user)])
        delivery = Delivery.objects.create(
            event=event, endpoint=chance.choice(endpoints), job=job, status=chance.choice(list(DeliveryStatus)).value
        )
        rows.append(
            {
                "id": delivery.pk,
                "status": delivery.status,
                "webhookId": event.webhook_id,
                "eventType": event.type,
                "endpoint.id": delivery.endpoint_id,
                "jobId": job and job.job_id,
            }
        )
    return [World(DELIVERIES, Reader(0, "operator", frozenset({Role.OPERATOR})), rows)]


COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, other: value == other,
    "ne": lambda value, other: value != other,
    "lt": lambda value, other: value is not None and value < other,
    "lte": lambda value, other: value is not None and value <= other,
    "gt": lambda value, other: value is not None and value > other,
    "gte": lambda value, other: value is not None and value >= other,
}


def shown(value: Any) -> Any:
    return value.replace(microsecond=value.microsecond // 1000 * 1000) if isinstance(value, datetime) else value


def written(value: Any) -> str:
    if isinstance(value, datetime):
        return f"'{value.isoformat(timespec='milliseconds')}'"
    return f"'{value}'" if isinstance(value, str) else str(value)


def condition(chance: random.Random, world: World) -> tuple[str, Callable[[dict[str, Any]], bool]]:
    """A condition as a client writes it, and what it means. Its values are mostly those that some row has."""
    name = chance.choice(list(world.rows[0]))
    operators = world.collection.fields[name].kind.operators
    values = [shown(row[name]) for row in world.rows if row[name] is not None]
    operator = chance.choice([*operators, "eq", "in"])
    some = chance.sample(values, min(len(values), chance.randint(1, 4)))
    if operator == "in":
        return f"{name}.in({','.join(map(written, some))})", lambda row: shown(row[name]) in some
    if operator == "like":
        start = some[0][:2]
        return f"{name}.like('{start}%')", lambda row: row[name] is not None and row[name].startswith(start)
    compared = COMPARED[operator]
    return f"{name}.{operator}({written(some[0])})", lambda row: compared(shown(row[name]), some[0])


def order(chance: random.Random, world: World) -> str:
    names = [name for name, field in world.collection.fields.items() if field.sortable]
    keys = chance.sample(names, chance.randint(1, min(3, len(names))))
    return ",".join(f"{key}{chance.choice(['', ':desc'])}" for key in keys)


def in_order(rows: list[dict[str, Any]], order_by: str) -> list[int]:
    keys = [key.partition(":")[::2] for key in order_by.split(",")]
    for name, way in reversed([*keys, ("id", keys[-1][1])]):
        rows = sorted(rows, key=lambda row: row[name], reverse=way == "desc")
    return [row["id"] for row in rows]


def pages(world: World, asked: Asked, towards: str) -> Iterator[dict[str, Any]]:
    """The page that is asked for and all that its links lead to, in one direction."""
    for _ in range(4 * ROWS):
        document = envelope(world.collection, asked, world.reader)
        yield document
        if (place := cursor(document, towards)) is None:
            return
        asked = replace(asked, offset=0, cursor=place)
    raise AssertionError("the links go round")


def cursor(document: dict[str, Any], towards: str) -> str | None:
    hrefs = [link["href"] for link in document["links"] if link["rel"] == towards]
    return parse_qs(urlsplit(hrefs[0]).query)["cursor"][0] if hrefs else None


def ids(document: dict[str, Any]) -> list[int]:
    return [item["id"] for item in document["items"]]


def check(chance: random.Random, world: World) -> None:
    conditions = [condition(chance, world) for _ in range(chance.randint(0, 4))]
    q, order_by = ".and.".join(text for text, _ in conditions) or None, order(chance, world)
    limit, offset = chance.choice([2, 7, 50]), chance.choice([0, 0, 1, 5])
    told = (q, order_by, limit, offset, world.reader.username)
    expected = in_order([row for row in world.rows if all(fits(row) for _, fits in conditions)], order_by)[offset:]
    asked = Asked(q=q, order_by=order_by, limit=limit, offset=offset)
    there = list(pages(world, asked, "next"))
    assert [one for page in there for one in ids(page)] == expected, told
    if len(there) < 2 or offset:
        return
    last = cursor(there[-2], "next")
    back = list(pages(world, replace(asked, cursor=last), "prev"))
    assert [one for page in reversed(back) for one in ids(page)] == expected, told


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize("make", [tasks, deliveries])
def test_the_links_lead_through_all_that_fits(
    monkeypatch: pytest.MonkeyPatch, make: Callable[[random.Random], list[World]], bounds: tuple[int, ...]
) -> None:
    for name, value in zip(("SOON", "FEW", "FIRST_LOOK", "LOOKED_AT"), bounds, strict=True):
        monkeypatch.setattr(seeking, name, value)
    chance = random.Random(str(bounds))  # noqa: S311  # the same each time
    worlds = make(chance)
    for _ in range(SEARCHES):
        check(chance, chance.choice(worlds))
