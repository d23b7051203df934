"""The queue and bulk restarts in the OpenAPI document."""

from __future__ import annotations

from config.openapi.operations import Answer, Route
from config.openapi.shapes import Schema, many, one_of, ref, shape

_TAG = "Tasks and messages"
_COUNT: Schema = {"type": "integer", "minimum": 0}

PROCESSING_SHAPES: dict[str, Schema] = {
    "TaskProcessing": shape(
        {
            "status": one_of("started", "stopped"),
            "statistics": shape({"waiting": _COUNT, "ready": _COUNT, "expired": _COUNT}, closed=True),
            "links": many(ref("Link")),
        },
        closed=True,
    ),
}
PROCESSING_ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/api/taskprocessing"): Route(
        "getTaskProcessing",
        "Whether tasks are picked, and what waits",
        _TAG,
        {200: Answer("TaskProcessing", "`taskprocessing:control` is there for who may turn it.", ("ETag", "Link"))},
    ),
    ("POST", "/api/taskprocessing"): Route(
        "controlTaskProcessing",
        "Stop or start the picking of tasks",
        _TAG,
        {200: Answer("TaskProcessing", "As it is now.", ("ETag", "Link"))},
        text="What was picked goes on; nothing else is picked until the queue is started again.",
        errors=(412, 422),
        query={"action": one_of("stop", "start")},
    ),
}
