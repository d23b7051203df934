"""What of a piece the ledger has already is looked up row by row: it costs as much however large the ledger is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from psycopg import Connection

from consumption import sample, settling, staging
from consumption.models import Consumption, InputFile
from consumption.writing import screening
from tests.api import test_collections_at_scale as scale
from tests.consumption.inputs import units

ROWS, PIECE = 20_000, 400
_FROM_A_FILE = """
    INSERT INTO consumption_consumption (counter_period_id, limit_id, service_date, number_of_units, withdrawn,
                                         input_file_id, input_line)
    SELECT counter_period_id, limit_id, service_date, 1, false, %s, row_number() OVER (ORDER BY id)
      FROM consumption_consumption
"""

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def file(django_db_setup: None, django_db_blocker: Any) -> Iterator[int]:
    """A ledger, of which the half came from this file. Made once, never committed."""
    with django_db_blocker.unblock(), transaction.atomic():
        sample.make(rows=ROWS)
        made = InputFile.objects.create(sha256="a" * 64)
        with connection.cursor() as cursor:
            cursor.execute(_FROM_A_FILE, [made.pk])
            cursor.execute("ANALYZE")
        yield made.pk
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def big(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "BIG", set(sample.TABLES))


@pytest.fixture
def raw() -> Iterator[Connection[Any]]:
    connection.ensure_connection()
    staging.take_lines(connection.connection)
    with staging.table(connection.connection):
        yield connection.connection


def stage(raw: Connection[Any], rows: list[dict[str, Any]], first: int = 1) -> None:
    numbers = list(range(first, first + len(rows)))
    assert screening.stage(raw, numbers, [json.dumps(row) for row in rows]) == set(numbers)


def looked_at(raw: Connection[Any], statement: str, *parameters: Any) -> int:
    row = raw.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".encode(), parameters).fetchone()
    assert row is not None
    plans = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return scale.looked_at(plans[0]["Plan"])


def test_by_external_id(raw: Connection[Any]) -> None:
    known = Consumption.objects.filter(limit__code="VERT").exclude(external_id=None).order_by("-pk")
    rows = [
        units(externalId=external_id, **({} if source is None else {"transactionSourceCode": source}))
        for external_id, source in known.values_list("external_id", "transaction_source__code")[: PIECE // 2]
    ]
    stage(raw, rows + [units(externalId=f"NEW-{number}") for number in range(PIECE // 2)])
    assert 0 < looked_at(raw, settling._KNOWN_BY_EXTERNAL_ID) <= PIECE
    assert raw.execute("SELECT count(*) FROM staged_consumption").fetchone() == (PIECE // 2,)


def test_by_line(raw: Connection[Any], file: int) -> None:
    stage(raw, [units() for _ in range(PIECE)], first=ROWS - PIECE // 2 + 1)
    assert 0 < looked_at(raw, settling._KNOWN_BY_LINE, file) <= PIECE
    assert raw.execute("SELECT count(*) FROM staged_consumption").fetchone() == (PIECE // 2,)
