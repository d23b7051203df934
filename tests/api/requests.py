"""How the matrix's rows become requests."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zipfile import ZipFile

from django.db import transaction

from tests.api.matrix import Row


@contextmanager
def undone(method: str) -> Iterator[None]:
    """Takes back what the request within changes; there is nothing to take back from those that only read."""
    if method in {"GET", "HEAD", "OPTIONS"}:
        yield
        return
    savepoint = transaction.savepoint()
    yield
    transaction.savepoint_rollback(savepoint)


def address(route: str, names: dict[str, str]) -> str:
    """The route with these identifiers in it."""
    codes = {"<code:code>": names["set"], "<code:file_code>": names["file"], "<path:job_id>": names["job"]}
    kind = route.partition("/<id:pk>")[0].rpartition("/")[2]
    for place, name in {**codes, "<id:pk>": names.get(kind, "")}.items():
        route = route.replace(place, name)
    return f"/{route}{'?action=stop' if route.endswith('taskprocessing') else ''}"


MOMENT = {"value": "1970-10-11T14:04:41+01:00"}
# What a well-meaning caller sends, by method and address below /api.
BODIES = {
    ("POST", "accesstokens"): {"name": "a token"},
    ("POST", "readconsumptionbatches"): {"transactionStartDateTime": MOMENT, "transactionEndDateTime": MOMENT},
    ("POST", "limitconsumptions"): {
        "limitCode": "VERT",
        "aggregationLevel": "PERSON",
        "person": {"code": "P1"},
        "serviceDate": "2024-05-01",
        "numberOfUnits": 1,
    },
    ("POST", "taskprocessing/tasks/restart"): {"taskIds": [1]},
    ("POST", "notificationendpoints"): {"name": "another", "url": "http://127.0.0.1:9/"},
    ("PUT", "notificationendpoints/<id:pk>"): {"name": "another", "url": "http://127.0.0.1:9/"},
    ("PUT", "datafilesets/<code:code>/datafiles/<code:file_code>"): {"description": "another"},
    ("POST", "datafilesets/<code:code>/datafiles/<code:file_code>/data"): {"some": "content"},
    ("POST", "notificationendpoints/<id:pk>/recover"): {"since": MOMENT},
}


def zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with ZipFile(archive, "w") as made:
        for name, content in files.items():
            made.writestr(name, content)
    return archive.getvalue()


def headers_for(row: Row) -> dict[str, str]:
    """The type of a body that is no document."""
    return {"Content-Type": "application/zip"} if (row.method, row.route[-4:]) == ("POST", "/zip") else {}


def body_for(row: Row, names: dict[str, str]) -> Any:
    if (row.method, row.route.removeprefix("api/")) == ("POST", "writeconsumptionbatches"):
        return {"dataFileSetCode": names["set"]}
    if row.route.startswith("ws/"):
        return {"jobId": names["job"], "status": "Started"} if row.method == "PUT" else None
    if headers_for(row):
        return zipped({"claims.csv": b"a\n1\n"})
    if row.route.endswith("/search"):
        return {"resource": {}} if row.method == "POST" else None
    return BODIES.get((row.method, row.route.removeprefix("api/")))
