"""The queue and bulk restarts in the OpenAPI document."""

from __future__ import annotations

from config.openapi.operations import Answer, Route
from config.openapi.shapes import BOOLEAN, INTEGER, TEXT, Schema, many, one_of, ref, shape
from jobs.restarts import MOST
from jobs.states import OperationStatus

_TAG = "Tasks and messages"
_RUNNING = ("ETag", "Link", "Retry-After", "Preference-Applied")
_WHY = {"code": TEXT, "text": TEXT}
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
    "TaskRestartInput": shape(
        {"taskIds": {**many({**INTEGER, "minimum": 1}), "minItems": 1, "maxItems": MOST}}, closed=True
    ),
    "TaskRestartBatch": shape(
        {
            "processing": BOOLEAN,
            "status": one_of(*OperationStatus),
            "results": many(shape({"taskId": INTEGER, "restarted": BOOLEAN, **_WHY}, tuple(_WHY), closed=True)),
            "links": many(ref("Link")),
        },
        ("results",),
        closed=True,
    ),
    "TaskRestartPreview": shape(
        {
            "dryRun": BOOLEAN,
            "results": many(shape({"taskId": INTEGER, "restartable": BOOLEAN, **_WHY}, tuple(_WHY), closed=True)),
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
        errors=(400, 412, 415, 422),
        query={"action": one_of("stop", "start")},
        required_query=("action",),
    ),
    ("POST", "/api/taskprocessing/tasks/restart"): Route(
        "restartTasks",
        "Restart many tasks",
        _TAG,
        {
            200: Answer("TaskRestartPreview", "With `dryRun`: what would be restarted, and what not and why."),
            201: Answer("TaskRestartBatch", "Stored.", ("Location", "Operation-Location", "Retry-After", "Link")),
        },
        text="A client restarts its own tasks, an operator everybody's.",
        body="TaskRestartInput",
        errors=(409,),
        headers=("Idempotency-Key", "Prefer"),
        query={"dryRun": {"type": "boolean", "default": False}},
    ),
    ("GET", "/api/taskprocessing/taskrestartbatches/{id}/status"): Route(
        "getTaskRestart",
        "How far the restart of many tasks is",
        _TAG,
        {200: Answer("TaskRestartBatch", "With a result for each task once it is completed.", _RUNNING)},
        errors=(404,),
        headers=("Prefer",),
    ),
}
