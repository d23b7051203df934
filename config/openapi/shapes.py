"""The shapes of the wire as JSON Schema, by name; the tables in `routes.py` refer to them."""

from __future__ import annotations

from typing import Any

from jobs.serializers import MONITOR_STATUS
from jobs.states import OperationStatus, TaskStatus

Schema = dict[str, Any]

INTEGER: Schema = {"type": "integer", "format": "int64"}
TEXT: Schema = {"type": "string"}
_NO_NUL = "^[^\\x00]*$"  # which PostgreSQL cannot store


def given_text(longest: int) -> Schema:
    """A text that a client sends: not empty, and without the character NUL."""
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": _NO_NUL}


BOOLEAN: Schema = {"type": "boolean"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def one_of(*values: str) -> Schema:
    """A text out of a list. A single one is a constant: generators would make an enumeration, and a name, of it."""
    return {"type": "string", "const": values[0]} if len(values) == 1 else {"type": "string", "enum": list(values)}


def shape(properties: dict[str, Schema], optional: tuple[str, ...] = (), *, closed: bool = False) -> Schema:
    """An object; all properties but the `optional` ones are there. `closed`: unknown ones are refused."""
    body: Schema = {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
    }
    return {**body, "additionalProperties": False} if closed else body


def money(value: Schema) -> Schema:
    return shape({"value": value, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}, closed=True)


TECHNICAL: dict[str, Schema] = {
    "type": TEXT,
    "id": INTEGER,
    "createdBy": INTEGER,
    "lastUpdatedBy": INTEGER,
    "objectVersionNumber": INTEGER,
    "links": many(ref("Link")),
    "creationDate": ref("DateTime"),
    "lastUpdatedDate": ref("DateTime"),
}
_FORMATS = {
    "format": {**one_of("ndjson", "csv", "parquet"), "default": "ndjson"},
    "compression": {**one_of("none", "gzip", "zstd"), "default": "none"},
}
_LIMIT_CODES = {"type": "array", "items": given_text(60), "minItems": 1, "maxItems": 1000}

SHAPES: dict[str, Schema] = {
    "DateTime": shape(
        {
            "value": {"type": "string", "format": "date-time"},
            "timezone": {"description": "Accepted and ignored."},
        },
        ("timezone",),
        closed=True,
    ),
    "Link": shape(
        {"href": {"type": "string", "format": "uri"}, "rel": TEXT, "httpMethod": TEXT}, ("httpMethod",), closed=True
    ),
    "Reference": shape({"id": INTEGER, "links": many(ref("Link"))}, closed=True),
    "Progress": shape(
        {"rowsWritten": INTEGER, "rowsExpected": INTEGER, "percent": {"type": "integer", "minimum": 0, "maximum": 99}},
        ("rowsExpected", "percent"),
        closed=True,
    ),
    "ResultMessage": shape({"code": TEXT, "text": TEXT, "pointer": TEXT}, ("pointer",), closed=True),
    "Problem": shape(
        {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "instance": TEXT,
            "resultMessages": shape({"result": one_of("F"), "resultMessage": many(ref("ResultMessage"))}, closed=True),
        },
        closed=True,
    ),
    "Entry": shape({"type": one_of("entry"), "links": many(ref("Link"))}, closed=True),
    "ReadConsumptionBatchInput": shape(
        {
            "transactionStartDateTime": ref("DateTime"),
            "transactionEndDateTime": ref("DateTime"),
            "limitCodes": _LIMIT_CODES,
            **_FORMATS,
        },
        ("limitCodes", "format", "compression"),
        closed=True,
    ),
    "ReadConsumptionBatch": shape(
        {
            **TECHNICAL,
            "type": one_of("readConsumptionBatch"),
            "status": one_of(*OperationStatus),
            "transactionEndDateTime": ref("DateTime"),
            "transactionStartDateTime": ref("DateTime"),
            "limitCodes": many(TEXT),
            **_FORMATS,
            "sinceSnapshotDateTime": ref("DateTime"),
            "progress": ref("Progress"),
        },
        ("limitCodes", "format", "compression", "sinceSnapshotDateTime", "progress"),
    ),
    "Task": shape(
        {
            **TECHNICAL,
            "type": one_of("task"),
            "currentAttemptCount": INTEGER,
            "status": one_of(*TaskStatus),
            "subjectId": INTEGER,
            "threadCode": TEXT,
            "table": ref("Reference"),
            "taskType": ref("Reference"),
        },
        ("currentAttemptCount", "threadCode"),
    ),
    "Operation": shape(
        {
            "type": one_of("operation"),
            "id": INTEGER,
            "status": one_of(*dict.fromkeys(MONITOR_STATUS.values())),
            "done": BOOLEAN,
            "resourceLocation": {"type": "string", "format": "uri"},
            "links": many(ref("Link")),
            "creationDate": ref("DateTime"),
            "lastUpdatedDate": ref("DateTime"),
        },
        ("resourceLocation",),
    ),
    "InterfacedMessage": shape(
        {
            **TECHNICAL,
            "type": one_of("interfacedMessage"),
            "messages": many(
                shape(
                    {
                        "severity": one_of("Fatal", "Informative"),
                        "code": TEXT,
                        "text": TEXT,
                        "creationDate": ref("DateTime"),
                    }
                )
            ),
        }
    ),
    "Table": shape({"type": one_of("table"), "id": INTEGER, "links": many(ref("Link")), "name": TEXT}),
    "TaskType": shape(
        {"type": one_of("taskType"), "id": INTEGER, "links": many(ref("Link")), "code": TEXT, "description": TEXT}
    ),
    "AccessTokenInput": shape(
        {"name": given_text(100), "expiry": ref("DateTime")},
        ("expiry",),
        closed=True,
    ),
    "AccessToken": shape(
        {"type": one_of("accessToken"), "id": INTEGER, "name": TEXT, "token": TEXT, "expiry": ref("DateTime")}
    ),
    "StatusReport": shape(
        {"jobId": {**TEXT, "minLength": 1}, "status": one_of("Started", "Completed", "Failed"), "message": {}},
        ("message",),
    ),
    "CallbackAnswer": shape(
        {
            "data": {},
            "message": many(TEXT),
            "status": {"type": "integer"},
            "rest_audit_id": INTEGER,
        },
        ("rest_audit_id",),
    ),
    "Health": shape(
        {"status": TEXT, "problems": many(TEXT), "warnings": many(TEXT), "checks": {"type": "object"}},
        ("problems", "warnings", "checks"),
    ),
}
