"""Collections in the OpenAPI document: each is described the same way, from the collection itself."""

from __future__ import annotations

from typing import Any

from config.openapi.operations import Answer, Route
from config.openapi.shapes import Schema, given_text, many, ref, shape
from consumption.collections import READ_BATCHES
from consumption.listing import COUNTERS, ENTRIES, LIMITS, PERIODS
from consumption.writing.web import WRITE_BATCHES
from datafiles.collections import GENERIC_SETS, SETS
from hypermedia.asking import DEEPEST_OFFSET, DEFAULT_LIMIT, MOST
from hypermedia.collections import MOST_COUNTED, Collection
from hypermedia.query import MOST_CHARACTERS
from jobs.callbacks.listing import JOBS
from jobs.collections import MESSAGES, TABLES, TASK_TYPES, TASKS
from jobs.notifications.listing import DELIVERIES, ENDPOINTS, EVENTS, attempts_of
from jobs.notifications.models import Delivery

_ATTEMPTS = attempts_of(Delivery(pk="{id}"))  # only its path and fields are read: those of any delivery

# Each with what it holds (which also names its operations), the tag, and the shape of an item.
_COLLECTIONS: tuple[tuple[Collection[Any], str, str, str], ...] = (
    (READ_BATCHES, "exports", "Exports", "ReadConsumptionBatch"),
    (WRITE_BATCHES, "imports", "Limits and consumptions", "WriteConsumptionBatch"),
    (LIMITS, "limits", "Limits and consumptions", "Limit"),
    (COUNTERS, "counters", "Limits and consumptions", "Counter"),
    (PERIODS, "counter periods", "Limits and consumptions", "CounterPeriod"),
    (ENTRIES, "consumptions", "Limits and consumptions", "Consumption"),
    (TASKS, "tasks", "Tasks and messages", "Task"),
    (MESSAGES, "messages", "Tasks and messages", "InterfacedMessage"),
    (TABLES, "tables", "Tasks and messages", "Table"),
    (TASK_TYPES, "task types", "Tasks and messages", "TaskType"),
    (SETS, "data file sets", "Data file sets", "DataFileSet"),
    (GENERIC_SETS, "generic data file sets", "Data file sets", "GenericDataFileSet"),
    (ENDPOINTS, "notification endpoints", "Notifications", "NotificationEndpoint"),
    (EVENTS, "notification events", "Notifications", "NotificationEvent"),
    (DELIVERIES, "notification deliveries", "Notifications", "NotificationDelivery"),
    (JOBS, "integration jobs", "Notifications", "IntegrationJob"),
    (_ATTEMPTS, "notification attempts", "Notifications", "NotificationAttempt"),
)
_DIGITS: Schema = {"type": "string", "pattern": "^[0-9]+$"}

_ASKED: dict[str, Schema] = {
    "q": given_text(MOST_CHARACTERS),
    "orderBy": given_text(200),
    "offset": {"type": "integer", "minimum": 0, "maximum": DEEPEST_OFFSET, "default": 0},
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT},
    "totalResults": {"type": "boolean", "default": False},
}
_CURSOR: Schema = {**given_text(2000), "description": "As the links `next` and `prev` carry it; instead of `offset`."}

COLLECTION_SHAPES: dict[str, Schema] = {
    "SearchInput": shape({"resource": shape(_ASKED, tuple(_ASKED), closed=True)}, closed=True),
    **{
        f"{item}Page": shape(
            {
                "offset": _DIGITS,
                "count": _DIGITS,
                "hasMore": {"type": "boolean"},
                "limit": _DIGITS,
                "totalResults": {"type": "string", "description": f'Exact, or "{MOST_COUNTED}+".'},
                "items": many(ref(item)),
                "links": many(ref("Link")),
            },
            ("totalResults",),
            closed=True,
        )
        for _, _, _, item in _COLLECTIONS
    },
}


def _text(collection: Collection[Any]) -> str:
    searched = ", ".join(f"`{name}` ({', '.join(field.kind.operators)})" for name, field in collection.fields.items())
    sorted_by = ", ".join(f"`{name}`" for name, field in collection.fields.items() if field.sortable)
    return (
        f"`q` is like `id.gt(10).and.id.lt(20)`; it knows {searched}. "
        f"`orderBy` is like `id:desc`; it knows {sorted_by}. "
        "Follow the links `next` and `prev` from page to page."
    )


def _routes() -> dict[tuple[str, str], Route]:
    routes = {}
    for collection, what, tag, item in _COLLECTIONS:
        answers = {200: Answer(f"{item}Page", "One page.", ("Link",))}
        path, text = f"/api/{collection.path}", _text(collection)
        name = "".join(word.capitalize() for word in what.split())
        query = {**_ASKED, "cursor": _CURSOR}
        errors = (400, 404, 422) if "{" in path else (400, 422)
        routes["GET", path] = Route(f"list{name}", f"List {what}", tag, answers, text, errors=errors, query=query)
        if collection.path != _ATTEMPTS.path:
            search = Route(f"search{name}", f"Search {what}", tag, answers, text, body="SearchInput")
            routes["POST", f"{path}/search"] = search
    return routes


COLLECTION_ROUTES = _routes()
