"""CSV, Parquet, compression and large results: what stands in the files, and that it is what NDJSON says."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from consumption.models import Limit
from consumption.services import start_export
from hypermedia.errors import RuleBroken
from tests.conftest import ApiClient, rel
from tests.consumption.exporting import END, START, File, files
from tests.factories import (
    ConsumptionFactory,
    CounterPeriodFactory,
    LimitFactory,
    TransactionSourceFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1", "''-1"]
HARMLESS = ["'t Hooft", "a=1", "1-1", " =1", "", "'", 'say "hi", \\ \r\nline', "🧘 \u2028 é"]


def filled() -> None:
    """A family in money and people in units, with every text that could go wrong."""
    money = LimitFactory.create(code="OOPM", type=Limit.Type.AMOUNT, currency="USD")
    source = TransactionSourceFactory.create()
    ConsumptionFactory.create(
        counter_period=CounterPeriodFactory.create(limit=money),
        number_of_units=None,
        amount=Decimal("-123.4600"),
        transaction_datetime=datetime(2024, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC),
        provider_code="7ff",
        external_id="X1",
        transaction_source=source,
        reference_code="R1",
        withdrawn=True,
    )
    period = CounterPeriodFactory.create(person_code="P-17")
    for text in (None, *FORMULAS, *HARMLESS):
        ConsumptionFactory.create(counter_period=period, description=text)


def rows_of(file: File) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.plain.decode(), newline="")))


def test_csv() -> None:
    filled()
    counters, consumptions = files(format="csv")
    assert (counters.description, consumptions.description) == ("Counters", "Consumptions")
    assert {counters.media_type, consumptions.media_type} == {"text/csv"}
    assert counters.content.startswith(
        b"id,limitCode,counterId,aggregationLevel,person,familyCode,startDate,endDate,amount,currency,numberOfUnits,"
        b"serviceDays\r\n"
    )
    assert consumptions.content.startswith(
        b"id,limitCode,counterId,counterPeriodId,transactionDateTime,serviceDate,person,familyCode,amount,currency,"
        b"numberOfUnits,provider,externalId,transactionSourceCode,referenceCode,description,withdrawn\r\n"
    )
    assert consumptions.content.endswith(b"\r\n")
    rows = rows_of(consumptions)
    assert consumptions.rows == len(rows) == 2 + len(FORMULAS) + len(HARMLESS)
    assert counters.rows == len(rows_of(counters)) == 2


def test_csv_cells() -> None:
    filled()
    first, *others = rows_of(files(format="csv")[1])
    assert list(first.values())[4:] == [
        *("2024-03-01T12:00:00.500+00:00", "2024-03-01", first["person"], "", "-123.46", "USD", "", "7ff", "X1"),
        *("CLAIMS", "R1", "", "true"),
    ]
    assert list(others[0].values())[5:] == ["2024-03-01", "P-17", "", "", "", "1", "", "", "", "", "", "false"]


def test_a_spreadsheet_runs_no_formula() -> None:
    filled()
    texts = [row["description"] for row in rows_of(files(format="csv")[1])][2:]
    assert texts == [f"'{text}" for text in FORMULAS] + HARMLESS


def test_null_and_an_empty_text_differ_in_a_csv() -> None:
    period = CounterPeriodFactory.create()
    for text in (None, ""):
        ConsumptionFactory.create(counter_period=period, description=text)
    lines = files(format="csv")[1].content.split(b"\r\n")
    assert lines[1].endswith(b",,false") and lines[2].endswith(b',"",false')


def test_parquet() -> None:
    filled()
    counters, consumptions = files(format="parquet")
    assert (counters.description, consumptions.description) == ("Counters", "Consumptions")
    assert {counters.media_type, consumptions.media_type} == {"application/vnd.apache.parquet"}
    table = parquet.read_table(io.BytesIO(consumptions.content))
    assert [str(kind) for kind in table.schema.types] == [
        *("int64", "string", "int64", "int64", "timestamp[ms, tz=UTC]", "date32[day]", "string", "string"),
        *("decimal128(20, 4)", "string", "decimal128(20, 4)", "string", "string", "string", "string", "string", "bool"),
    ]
    rows = table.to_pylist()
    assert consumptions.rows == len(rows) == 2 + len(FORMULAS) + len(HARMLESS)
    assert list(rows[0].values())[4:] == [
        *(datetime(2024, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC), date(2024, 3, 1), rows[0]["person"], None),
        *(Decimal("-123.4600"), "USD", None, "7ff", "X1", "CLAIMS", "R1", None, True),
    ]
    assert [row["description"] for row in rows[1:]] == [None, *FORMULAS, *HARMLESS], "nothing is escaped"
    totals = parquet.read_table(io.BytesIO(counters.content))
    assert totals.schema.field("amount").type == pa.decimal128(38, 4)
    assert totals.column("amount").to_pylist() == [Decimal("-123.4600"), None]
    assert totals.column("numberOfUnits").to_pylist() == [None, Decimal(1 + len(FORMULAS) + len(HARMLESS))]
    assert totals.column("endDate").to_pylist() == [date(2024, 12, 31)] * 2


@pytest.mark.parametrize(("compression", "codec"), [(None, "UNCOMPRESSED"), ("gzip", "GZIP"), ("zstd", "ZSTD")])
def test_parquet_is_compressed_inside(compression: str | None, codec: str) -> None:
    filled()
    for file in files(format="parquet", compression=compression):
        assert file.media_type == "application/vnd.apache.parquet"
        read = parquet.ParquetFile(io.BytesIO(file.content))
        assert read.metadata.row_group(0).column(0).compression == codec


@pytest.mark.parametrize("format", ["ndjson", "csv"])
@pytest.mark.parametrize(
    ("compression", "media", "extension"), [("gzip", "application/gzip", "gz"), ("zstd", "application/zstd", "zst")]
)
def test_compressed_text(format: str, compression: str, media: str, extension: str) -> None:
    filled()
    plain = files(format=format)
    compressed = files(format=format, compression=compression)
    assert {file.media_type for file in compressed} == {media}
    assert {file.name for file in compressed} == {f".{format}.{extension}"}
    assert [file.plain for file in compressed] == [file.content for file in plain]
    assert [(file.description, file.rows) for file in compressed] == [(file.description, file.rows) for file in plain]


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_the_same_snapshot_gives_the_same_bytes(format: str, compression: str) -> None:
    filled()
    assert files(format=format, compression=compression) == files(format=format, compression=compression)


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_nothing_found(format: str, compression: str) -> None:
    LimitFactory.create()
    found = files(format=format, compression=compression)
    assert [file.rows for file in found] == [0] * len(found)
    assert len(found) == (1 if format == "ndjson" else 2)
    if format == "csv":
        assert all(file.plain.count(b"\r\n") == 1 for file in found)


def test_a_large_result_has_several_files(settings: Any) -> None:
    filled()
    whole = files()
    settings.EXPORT_FILE_ROWS = 9
    parts = files()
    assert [part.description for part in parts] == [
        f"Export of counters and consumptions ({number} of 3)" for number in (1, 2, 3)
    ]
    assert [part.rows for part in parts] == [9, 9, (whole[0].rows or 0) - 18]
    assert b"".join(part.content for part in parts) == whole[0].content


def test_every_part_of_a_csv_has_its_header(settings: Any) -> None:
    filled()
    counters, consumptions = files(format="csv")
    settings.EXPORT_FILE_ROWS = 10
    first, *parts = files(format="csv", compression="zstd")
    assert first.plain == counters.content
    assert [part.description for part in parts] == ["Consumptions (1 of 2)", "Consumptions (2 of 2)"]
    assert [part.rows for part in parts] == [10, 10]
    assert [row for part in parts for row in rows_of(part)] == rows_of(consumptions)


def test_as_many_rows_as_fit_make_one_file(settings: Any) -> None:
    ConsumptionFactory.create_batch(2, counter_period=CounterPeriodFactory.create())
    settings.EXPORT_FILE_ROWS = 2
    assert [file.rows for file in files(format="parquet")] == [1, 2]


def test_without_its_library_parquet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    LimitFactory.create()
    monkeypatch.setattr("consumption.exporting.formats.find_spec", lambda _: None)
    owner = UserFactory.create(roles=["client"])
    with pytest.raises(RuleBroken) as refused:
        start_export(user_id=owner.pk, transaction_start=START, transaction_end=END, format="parquet")
    assert [message.pointer for message in refused.value.messages] == ["/format"]


def test_over_http(testuser: ApiClient, work: Any) -> None:
    """What was asked for is shown, and only then; the file comes with its own type and no Content-Encoding."""
    filled()
    window = {
        "transactionStartDateTime": {"value": START.isoformat()},
        "transactionEndDateTime": {"value": END.isoformat()},
    }
    started = testuser.post("/api/readconsumptionbatches", {**window, "format": "csv", "compression": "gzip"})
    assert started.status_code == 201, started.content
    work()
    batch = testuser.get(started["Location"]).json()
    assert list(batch)[-2:] == ["format", "compression"]
    assert (batch["format"], batch["compression"]) == ("csv", "gzip")
    found = testuser.get(str(rel(batch, "datafileset"))).json()
    assert [(file["description"], file["mediaType"]) for file in found["dataFiles"]] == [
        ("Counters", "application/gzip"),
        ("Consumptions", "application/gzip"),
    ]
    for file in found["dataFiles"]:
        content = testuser.get(str(rel(file, "file")))
        assert gzip.decompress(b"".join(content)).startswith(b"id,limitCode")
        assert content["Content-Type"] == "application/gzip"
        assert "Content-Encoding" not in content.headers
    refused = testuser.post("/api/readconsumptionbatches", {**window, "format": "xml", "compression": "lzma"})
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["resultMessages"]["resultMessage"]] == ["/format", "/compression"]
    plain = testuser.get(testuser.post("/api/readconsumptionbatches", window)["Location"]).json()
    assert not {"format", "compression"} & set(plain)


def test_the_three_formats_say_the_same() -> None:
    filled()
    lines = [json.loads(line, parse_float=Decimal) for line in files()[0].content.splitlines()]
    entries = [line for line in lines if line["type"] == "consumption"]
    cells = rows_of(files(format="csv")[1])
    typed = parquet.read_table(io.BytesIO(files(format="parquet")[1].content)).to_pylist()
    expected = [(one["id"], one["limitCode"], one["transactionDateTime"]["value"], one["withdrawn"]) for one in entries]
    assert [
        (int(row["id"]), row["limitCode"], row["transactionDateTime"], row["withdrawn"] == "true") for row in cells
    ] == expected
    assert [(row["id"], row["limitCode"], row["withdrawn"]) for row in typed] == [
        (number, code, flag) for number, code, _, flag in expected
    ]
    assert [row["transactionDateTime"] for row in typed] == [datetime.fromisoformat(one[2]) for one in expected]
