"""Consumptions in, exports out in three formats, and DuckDB counts in each of them what the input says.

Shares with the service neither its SQL nor its readers of files.
"""

from __future__ import annotations

from collections import Counter as Count
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from django.utils.timezone import now

from tests.consumption import test_real_input as real
from tests.consumption.exporting import File, files
from tests.consumption.test_real_input import folder  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db(transaction=True)

VALUE = "coalesce(amount, numberOfUnits)"
OF_TYPES = "{'amount': 'DECIMAL(20,4)', 'numberOfUnits': 'DECIMAL(20,4)'}"
MONEY = "STRUCT(value DECIMAL(20,4), currency VARCHAR)"
ENTRY = f"{{'type': 'VARCHAR', 'limitCode': 'VARCHAR', 'amount': '{MONEY}', 'numberOfUnits': 'DECIMAL(20,4)'}}"
COUNTER = (
    f"{{'type': 'VARCHAR', 'limitCode': 'VARCHAR', 'total': 'STRUCT(amount {MONEY}, \"numberOfUnits\" DECIMAL(20,4))'}}"
)
# Relations with limitCode, amount and numberOfUnits: of the consumptions, and of the counters.
RELATIONS = {
    "ndjson": (
        "(SELECT limitCode, amount.value AS amount, numberOfUnits FROM read_json('{0}', format='newline_delimited',"
        f" columns={ENTRY.replace('{', '{{').replace('}', '}}')}) WHERE type = 'consumption')",
        '(SELECT limitCode, total.amount.value AS amount, total."numberOfUnits" AS numberOfUnits FROM'
        " read_json('{0}', format='newline_delimited',"
        f" columns={COUNTER.replace('{', '{{').replace('}', '}}')}) WHERE type = 'counter')",
    ),
    "csv": (f"read_csv('{{1}}', types={OF_TYPES.replace('{', '{{').replace('}', '}}')})",) * 2,
    "parquet": ("read_parquet('{1}')",) * 2,
}


def saved(found: list[File], format: str, to: Path) -> list[Path]:
    paths = [to / f"{number}.{format}" for number in range(len(found))]
    for path, file in zip(paths, found, strict=True):
        path.write_bytes(file.content)
    return paths


def counted(relation: str) -> tuple[dict[str, int], dict[str, Decimal]]:
    """Rows and sums, by limit."""
    rows: list[tuple[Any, ...]] = duckdb.execute(
        f"SELECT limitCode, count(*), sum({VALUE}) FROM {relation} GROUP BY limitCode"
    ).fetchall()
    return {code: number for code, number, _ in rows}, {code: total for code, _, total in rows}


@pytest.mark.parametrize("format", RELATIONS)
def test_what_goes_in_is_counted_again(format: str, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    real.load(folder)
    found = files(format=format, transaction_start=datetime(1970, 1, 1, tzinfo=UTC), transaction_end=now())
    paths = saved(found, format, tmp_path)
    given = real.read(folder / real.CONSUMPTIONS)
    periods = real.sums_by_counter(given, real.references(folder))
    of_entries, of_counters = (
        relation.format(paths[0], path)
        for relation, path in zip(RELATIONS[format], reversed(paths * 2 if len(paths) == 1 else paths), strict=False)
    )
    assert counted(of_entries) == (Count(row["limitCode"] for row in given), real.sums(given))
    assert counted(of_counters)[0] == Count(code for code, _, _ in periods)
    assert counted(of_counters)[1] == real.sums(given)
