"""Imports from the request to the end, and what became of the rows."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User

from datafiles import storage
from datafiles.models import DataFileSet
from datafiles.services import Content, store_set
from jobs.models import Task
from jobs.running import run_task
from tests.conftest import ApiClient, rel

PATH = "/api/writeconsumptionbatches"
NDJSON = "application/x-ndjson"


def lines(*rows: Any) -> bytes:
    """Texts as they are, everything else as JSON."""
    return b"".join((row if isinstance(row, str) else json.dumps(row)).encode() + b"\n" for row in rows)


def input_set(user: User, *contents: bytes, media_type: str = NDJSON) -> DataFileSet:
    published = []
    for content in contents:
        with storage.stage() as staged:
            staged.write(content)
            published.append(Content(staged.publish(row_count=0), "in", media_type))
    return store_set(owner_id=user.pk, description="Input", contents=published)


def written(writer: ApiClient, data_file_set: DataFileSet) -> tuple[dict[str, Any], list[Any]]:
    """The batch at its end, and the refused rows."""
    started = writer.post(PATH, {"dataFileSetCode": data_file_set.code})
    assert started.status_code == 201, started.content
    run_task(task_id=Task.objects.latest("pk").pk)
    batch = writer.get(started.headers["Location"]).json()
    result = rel(batch, "datafileset")
    if result is None:
        return batch, []
    [file] = writer.get(result).json()["dataFiles"]
    content = b"".join(writer.get(file["links"][0]["href"]).streaming_content)
    assert content.count(b"\n") == file["rowCount"]
    return batch, [json.loads(line) for line in content.splitlines()]


def counts(batch: dict[str, Any]) -> tuple[int, ...]:
    return tuple(batch[f"rows{name}"] for name in ("Read", "Applied", "Unchanged", "Rejected"))
