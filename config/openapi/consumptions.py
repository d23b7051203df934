"""Limits, counters and consumptions in the OpenAPI document."""

from __future__ import annotations

from config.openapi.operations import Answer, Route
from config.openapi.shapes import BOOLEAN, INTEGER, TECHNICAL, TEXT, Schema, many, money, one_of, ref, shape
from consumption.models import Counter, Limit
from jobs.states import OperationStatus

TAG = "Limits and consumptions"
_HEADERS = ("ETag", "Link")
_DATE: Schema = {"type": "string", "format": "date"}
_CODE: Schema = {"type": "string", "minLength": 1, "maxLength": 60}
_NUMBER: Schema = {"type": "number", "description": "Exact: at most 16 digits before and 4 after the point."}
_MONEY = money(_NUMBER)
_HOLDER: dict[str, Schema] = {
    "aggregationLevel": one_of(*Counter.Level.values),
    "person": shape({"code": _CODE}, closed=True),
    "familyCode": _CODE,
}
_WHAT: dict[str, Schema] = {
    "amount": _MONEY,
    "numberOfUnits": _NUMBER,
    "provider": shape({"code": _CODE}, closed=True),
    "externalId": {"type": "string", "minLength": 1, "maxLength": 100},
    "transactionSourceCode": _CODE,
    "referenceCode": {"type": "string", "minLength": 1, "maxLength": 100},
    "description": TEXT,
}
_TOTAL = shape(
    {"amount": _MONEY, "numberOfUnits": _NUMBER, "serviceDays": INTEGER}, ("amount", "numberOfUnits", "serviceDays")
)
_HEAD: dict[str, Schema] = {"id": INTEGER, "links": many(ref("Link"))}

_ROWS: dict[str, Schema] = dict.fromkeys(("rowsRead", "rowsApplied", "rowsUnchanged", "rowsRejected"), INTEGER)

CONSUMPTION_SHAPES: dict[str, Schema] = {
    "WriteConsumptionBatchInput": shape({"dataFileSetCode": _CODE}, closed=True),
    "WriteConsumptionBatch": shape(
        {
            **TECHNICAL,
            "type": one_of("writeConsumptionBatch"),
            "status": one_of(*OperationStatus),
            "dataFileSetCode": TEXT,
            **_ROWS,
            "progress": ref("Progress"),
        },
        (*_ROWS, "progress"),
    ),
    "LimitConsumptionInput": shape(
        {
            "limitCode": _CODE,
            **_HOLDER,
            "serviceDate": _DATE,
            "counterId": INTEGER,
            "startDate": _DATE,
            "endDate": _DATE,
            **_WHAT,
            "withdrawn": BOOLEAN,
        },
        ("person", "familyCode", "counterId", "startDate", "endDate", *_WHAT, "withdrawn"),
        closed=True,
    ),
    "Limit": shape(
        {
            "type": one_of("limit"),
            **_HEAD,
            "code": TEXT,
            "description": TEXT,
            "limitType": one_of(*Limit.Type.values),
            "currency": TEXT,
            "reference": one_of(*Limit.Reference.values),
            "planYearStart": {"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$"},
            "maximum": _TOTAL,
        },
        ("description", "currency", "planYearStart", "maximum"),
    ),
    "Counter": shape(
        {"type": one_of("counter"), **_HEAD, "limitCode": TEXT, **_HOLDER, "firstUse": _DATE},
        ("person", "familyCode", "firstUse"),
    ),
    "CounterPeriod": shape(
        {
            "type": one_of("counterPeriod"),
            **_HEAD,
            "limitCode": TEXT,
            "counterId": INTEGER,
            **_HOLDER,
            "startDate": _DATE,
            "endDate": _DATE,
            "total": _TOTAL,
            "maximum": _TOTAL,
            "remaining": _TOTAL,
        },
        ("person", "familyCode", "endDate", "maximum", "remaining"),
    ),
    "Consumption": shape(
        {
            "type": one_of("consumption"),
            **_HEAD,
            "limitCode": TEXT,
            "counterId": INTEGER,
            "counterPeriodId": INTEGER,
            "transactionDateTime": ref("DateTime"),
            "serviceDate": _DATE,
            **_HOLDER,
            **_WHAT,
            "withdrawn": BOOLEAN,
        },
        ("person", "familyCode", *_WHAT),
    ),
}


def _item(name: str, summary: str, item: str, text: str = "") -> Route:
    return Route(name, summary, TAG, {200: Answer(item, text, _HEADERS)}, errors=(404,))


CONSUMPTION_ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "/api/limitconsumptions"): Route(
        "writeConsumption",
        "Write one consumption",
        TAG,
        {
            201: Answer(None, "Written; `Location` leads to the entry.", ("Location",)),
            200: Answer("Consumption", "It was there already, just so; nothing changed.", ("Location", *_HEADERS)),
        },
        text="With an `externalId`, the same once more changes nothing, and other content is 409. A correction or "
        "withdrawal is an entry of its own. `counterId`, `startDate` and `endDate` say what the sender expects the "
        "counter and its period to be; anything else is refused.",
        body="LimitConsumptionInput",
        errors=(409,),
        headers=("Idempotency-Key",),
    ),
    ("POST", "/api/writeconsumptionbatches"): Route(
        "startImport",
        "Write the consumptions of a data file set",
        TAG,
        {
            201: Answer(
                None, "Stored and durable; follow `Location`.", ("Location", "Operation-Location", "Retry-After")
            )
        },
        text="The set's files are NDJSON or CSV, plain, gzip or zstd, with rows like the body of a single consumption. "
        "Good rows are written; the others are listed in the batch's `datafileset`, a line for each broken rule. What "
        "the ledger has already is not written again: a row is known by its `externalId` and source, or else by its "
        "file's content and its line.",
        body="WriteConsumptionBatchInput",
        errors=(409,),
        headers=("Idempotency-Key",),
    ),
    ("GET", "/api/generic/writeconsumptionbatches/{id}"): Route(
        "getImport",
        "Follow an import",
        TAG,
        {
            200: Answer(
                "WriteConsumptionBatch",
                "Links as those of an export. Once it is completed it says what became of the rows.",
                (*_HEADERS, "Retry-After"),
                {"cancelImport": "$response.body#/id"},
            )
        },
        errors=(404,),
    ),
    ("DELETE", "/api/generic/writeconsumptionbatches/{id}"): Route(
        "cancelImport",
        "Cancel an import",
        TAG,
        {202: Answer("WriteConsumptionBatch", "Cancelled; rows that were written stay.", _HEADERS)},
        errors=(404, 409, 412),
    ),
    ("GET", "/api/generic/limits/{id}"): _item("getLimit", "A limit", "Limit"),
    ("GET", "/api/generic/counters/{id}"): _item("getCounter", "What somebody has used of a limit", "Counter"),
    ("GET", "/api/generic/counterperiods/{id}"): _item(
        "getCounterPeriod",
        "A period of a counter",
        "CounterPeriod",
        "`remaining` is there when the limit has a maximum; it is negative when more was used.",
    ),
    ("GET", "/api/generic/consumptions/{id}"): _item("getConsumption", "An entry of the ledger", "Consumption"),
}
