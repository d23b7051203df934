"""Every route of the service in words. A test compares this table with the addresses in `config/urls.py`."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from config.openapi.collections import COLLECTION_ROUTES
from config.openapi.consumptions import CONSUMPTION_ROUTES
from config.openapi.files import FILE_ROUTES
from config.openapi.notifications import NOTIFICATION_ROUTES
from config.openapi.operations import Answer, Route
from config.openapi.processing import PROCESSING_ROUTES

_RESOURCE_HEADERS = ("ETag", "Link")
_RUNNING = (*_RESOURCE_HEADERS, "Retry-After", "Preference-Applied")
_EXPORTS, _TASKS, _ACCESS, _CALLBACK, _HEALTH = (
    "Exports",
    "Tasks and messages",
    "Access",
    "Status callback",
    "Health",
)

# Under /ws every answer has the one envelope, errors included.
_ENVELOPE: dict[str, Any] = {"common_errors": (401, 403, 500), "error": ("application/json", "CallbackAnswer")}

# (method, address) -> what it does.
ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/api"): Route(
        "getEntry",
        "The way in",
        _ACCESS,
        {200: Answer("Entry", "Links to what the reader may start and look at.", _RESOURCE_HEADERS)},
    ),
    ("POST", "/api/accesstokens"): Route(
        "createAccessToken",
        "Make a token for the API",
        _ACCESS,
        {201: Answer("AccessToken", "The token; its text is shown this once.")},
        text="Asked for with the password: a token cannot prolong itself.",
        body="AccessTokenInput",
        schemes=("basic",),
    ),
    ("POST", "/api/readconsumptionbatches"): Route(
        "startExport",
        "Start an export of consumptions and counters",
        _EXPORTS,
        {
            201: Answer(
                None,
                "Stored and durable; follow `Location`.",
                ("Location", "Operation-Location", "Retry-After"),
            )
        },
        text="Both date-times are inclusive. Without `limitCodes` all limits are exported.",
        body="ReadConsumptionBatchInput",
        errors=(409,),
        headers=("Idempotency-Key", "Prefer"),
    ),
    ("GET", "/api/generic/readconsumptionbatches/{id}"): Route(
        "getExport",
        "Follow an export",
        _EXPORTS,
        {
            200: Answer(
                "ReadConsumptionBatch",
                "Its links say what can be done: `monitor` and `cancel` while it runs, `datafileset` when it is done, "
                "`operator` always.",
                _RUNNING,
                {"cancelExport": "$response.body#/id"},
            )
        },
        errors=(404,),
        headers=("Prefer",),
    ),
    ("DELETE", "/api/generic/readconsumptionbatches/{id}"): Route(
        "cancelExport",
        "Cancel an export",
        _EXPORTS,
        {202: Answer("ReadConsumptionBatch", "Cancelled, for good.", _RESOURCE_HEADERS)},
        errors=(404, 409, 412),
    ),
    ("GET", "/api/operations/{id}"): Route(
        "getOperation",
        "The neutral monitor of any operation",
        _EXPORTS,
        {200: Answer("Operation", "In the words of ready-made pollers.", _RUNNING, {"getTask": "$response.body#/id"})},
        errors=(404,),
        headers=("Prefer",),
    ),
    ("GET", "/api/generic/tasks/{id}"): Route(
        "getTask",
        "The work behind an operation",
        _TASKS,
        {
            200: Answer(
                "Task",
                "`operator:restart` is there only while the task is ERRORED.",
                _RESOURCE_HEADERS,
                {
                    "restartTask": "$response.body#/id",
                    "getOperation": "$response.body#/id",
                    "getExport": "$response.body#/subjectId",
                    "getTable": "$response.body#/table/id",
                    "getTaskType": "$response.body#/taskType/id",
                },
            )
        },
        errors=(404,),
        headers=("Prefer",),
    ),
    ("POST", "/api/taskprocessing/{id}/restart"): Route(
        "restartTask",
        "Restart a failed task",
        _TASKS,
        {200: Answer("Task", "PENDING again.", _RESOURCE_HEADERS)},
        errors=(404, 409, 412),
    ),
    ("GET", "/api/generic/interfacedmessages/{id}"): Route(
        "getMessages",
        "What an operation has to say",
        _TASKS,
        {200: Answer("InterfacedMessage", "In plain words, and whether a restart helps.", _RESOURCE_HEADERS)},
        errors=(404,),
    ),
    ("GET", "/api/generic/tables/{id}"): Route(
        "getTable", "A table", _TASKS, {200: Answer("Table", "", _RESOURCE_HEADERS)}, errors=(404,)
    ),
    ("GET", "/api/generic/tasktypes/{id}"): Route(
        "getTaskType", "A kind of operation", _TASKS, {200: Answer("TaskType", "", _RESOURCE_HEADERS)}, errors=(404,)
    ),
    ("GET", "/ws/rest/service/v2/auth/token"): Route(
        "getCallbackToken",
        "A token for the status callback",
        _CALLBACK,
        {200: Answer("CallbackAnswer", "With Basic only.", media=("application/json",))},
        query={
            "expiry": {
                "type": "integer",
                "minimum": 1,
                "maximum": settings.ACCESS_TOKEN_MAX_DAYS * 86_400,
                "description": "seconds",
            }
        },
        errors=(400,),
        schemes=("basic",),
        **_ENVELOPE,
    ),
    ("PUT", "/ws/rest/service/v2/oic/job"): Route(
        "reportStatus",
        "Report how a job is doing",
        _CALLBACK,
        {200: Answer("CallbackAnswer", "Also for refusals: `status` says which.", media=("application/json",))},
        text="`status` in the body: 200, or 1101, 1801, 1802, 1803, 1804 for what is wrong with the report.",
        body="StatusReport",
        errors=(400, 404),  # only where the setting CALLBACK_ERRORS_AS_HTTP says so
        **_ENVELOPE,
    ),
    ("GET", "/ws/rest/service/v2/oic/job/{jobId}"): Route(
        "getJob",
        "A job and its history",
        _CALLBACK,
        {200: Answer("CallbackAnswer", "", media=("application/json",))},
        errors=(404,),  # only where the setting CALLBACK_ERRORS_AS_HTTP says so
        **_ENVELOPE,
    ),
    ("GET", "/healthz"): Route(
        "getAlive",
        "Whether the process answers",
        _HEALTH,
        {200: Answer("Health", media=("application/json",))},
        open=True,
    ),
    ("GET", "/metrics"): Route(
        "getMetrics",
        "What Prometheus reads",
        _HEALTH,
        {200: Answer("bytes", media=("text/plain",))},
        text="Open in development; in production with the token as a bearer, or from a listed network.",
        errors=(401,),
        open=True,
    ),
    ("GET", "/readyz"): Route(
        "getReady",
        "Whether the service can do its work",
        _HEALTH,
        {
            200: Answer("Health", media=("application/json",)),
            503: Answer("Health", "What is wrong.", ("Retry-After",), media=("application/json",)),
        },
        open=True,
    ),
    # What starts something stands above: readers meet it in this order.
    **CONSUMPTION_ROUTES,
    **FILE_ROUTES,
    **PROCESSING_ROUTES,
    **NOTIFICATION_ROUTES,
    **COLLECTION_ROUTES,
}
