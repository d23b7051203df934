"""Consumptions in over HTTP alone, out by an export, and recounted by DuckDB: the same totals; in twice, nothing new.

The client knows the one address of the API and follows links from there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.core.management import call_command

from hypermedia.readers import Role
from tests.conftest import ApiClient, rel
from tests.consumption.test_real_input import CONSUMPTIONS, LIMITS, SHARED, SOURCES, made
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

WINDOW = {
    "transactionStartDateTime": {"value": "1970-01-01T00:00:00Z"},
    "transactionEndDateTime": {"value": "2999-01-01T00:00:00Z"},
}
# A counter is a limit, somebody, and the period that the limit's rule and the service date give.
GIVEN = """
    SELECT c.limitCode, coalesce(c.person.code, {family}) AS holder,
           CASE l.reference WHEN 'LIFETIME' THEN '1900-01-01'
                ELSE left(c.serviceDate::text, 4) || '-01-01' END AS start,
           sum(coalesce(CAST(c.amount.value AS DECIMAL(20, 4)), CAST(c.numberOfUnits AS DECIMAL(20, 4)))) AS total
      FROM read_json('{file}', format = 'newline_delimited', maximum_depth = 3) c
      JOIN read_json('{limits}') l ON l.code = c.limitCode
     GROUP BY ALL ORDER BY ALL
"""
COUNTED = """
    SELECT limitCode, coalesce(person.code, {family}) AS holder, startDate::text AS start,
           coalesce(CAST(total.amount.value AS DECIMAL(20, 4)), CAST(total.numberOfUnits AS DECIMAL(20, 4))) AS total
      FROM read_json('{file}', format = 'newline_delimited', union_by_name = true) WHERE type = 'counter'
     ORDER BY ALL
"""
WRITTEN = """
    SELECT limitCode, count(*),
           sum(coalesce(CAST(amount.value AS DECIMAL(20, 4)), CAST(numberOfUnits AS DECIMAL(20, 4))))
      FROM read_json('{file}', format = 'newline_delimited', union_by_name = true) {where} GROUP BY 1 ORDER BY 1
"""


@pytest.fixture(params=["made", "shared"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "made":
        return made(tmp_path)
    if not (SHARED / CONSUMPTIONS).is_file():
        pytest.skip(f"no claims beside the repository ({SHARED})")
    return SHARED


@pytest.fixture
def writer(folder: Path) -> ApiClient:
    for file in (LIMITS, SOURCES):
        call_command("load_limits", str(folder / file), stdout=io.StringIO())
    return ApiClient(UserFactory.create(roles=[Role.OPERATOR]))


def entry(client: ApiClient, name: str) -> str:
    return str(rel(client.get("/api").json(), name))


def uploaded(client: ApiClient, code: str, content: bytes) -> str:
    """The code of a new set with one file of this content."""
    made_set = client.post("/api/datafilesets", {"code": code, "dataFiles": [{"code": "claims"}]})
    assert made_set.status_code == 201, made_set.content
    data = f"/api/datafilesets/{code}/datafiles/claims/data"
    sent = client.request("POST", data, content, Content_Type="application/x-ndjson")
    assert sent.status_code in (200, 201, 204), sent.content
    return code


def ended(client: ApiClient, work: Callable[[], None], name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The operation, started by the entry's link of this name, at its end."""
    started = client.post(entry(client, name), body)
    assert started.status_code == 201, started.content
    work()
    document: dict[str, Any] = client.get(started.headers["Location"]).json()
    assert document["status"] == "Completed"
    return document


def content_of(client: ApiClient, operation: dict[str, Any]) -> bytes:
    [file] = client.get(str(rel(operation, "datafileset"))).json()["dataFiles"]
    return b"".join(client.get(file["links"][0]["href"]).streaming_content)


def asked(statement: str, **names: Any) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute(statement.format(**names)).fetchall()


def test_in_twice_and_out(writer: ApiClient, work: Callable[[], None], folder: Path, tmp_path: Path) -> None:
    content = (folder / CONSUMPTIONS).read_bytes()
    family = "c.familyCode" if b"familyCode" in content else "NULL"
    given = asked(GIVEN, file=folder / CONSUMPTIONS, limits=folder / LIMITS, family=family)

    def in_and_out(code: str) -> tuple[tuple[int, ...], bytes]:
        batch = ended(writer, work, "writeconsumptionbatches", {"dataFileSetCode": uploaded(writer, code, content)})
        assert content_of(writer, batch) == b""
        export = content_of(writer, ended(writer, work, "readconsumptionbatches", WINDOW))
        return tuple(batch[f"rows{name}"] for name in ("Read", "Applied", "Unchanged", "Rejected")), export

    rows = len(content.splitlines())
    counts, export = in_and_out("first")
    assert counts == (rows, rows, 0, 0)
    out = tmp_path / "out.ndjson"
    out.write_bytes(export)
    counter_family = "familyCode" if b"familyCode" in content else "NULL"
    assert asked(COUNTED, file=out, family=counter_family) == given
    assert len(given) > 20
    # And the entries themselves, by limit.
    was, now = (
        asked(WRITTEN, file=file, where=where)
        for file, where in ((folder / CONSUMPTIONS, ""), (out, "WHERE type = 'consumption'"))
    )
    assert now == was

    counts, again = in_and_out("second")
    assert counts == (rows, 0, rows, 0)
    assert again == export
    for line in export.splitlines()[:50]:
        assert json.loads(line)["type"] == "counter"
