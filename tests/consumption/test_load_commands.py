"""`load_limits` and `load_consumptions`: files in, counts or complaints out."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections, transaction

from consumption import ledger, limits
from consumption.limits import LimitDefinition
from consumption.models import Consumption, Limit, TransactionSource
from tests.consumption.inputs import numbered, totals, units, write_lines
from tests.factories import LimitFactory

pytestmark = pytest.mark.django_db

VERT = {"code": "VERT", "description": "Units a year", "type": "UNITS", "reference": "CALENDAR_YEAR"}
OOPM = {"code": "OOPM", "type": "AMOUNT", "currency": "USD", "reference": "LIFETIME"}
SOURCE = {"code": "CLAIMS", "description": "Claims adjudication"}


def load(command: str, path: Path) -> str:
    out = io.StringIO()
    call_command(command, str(path), stdout=out)
    return out.getvalue().strip()


def complaints(command: str, path: Path) -> list[str]:
    """What a refused file is told, without the path."""
    with pytest.raises(CommandError) as caught:
        load(command, path)
    assert caught.value.returncode == 1
    return str(caught.value).replace(str(path), "FILE").splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "input.json"


def put(file: Path, document: Any) -> Path:
    file.write_text(json.dumps(document))
    return file


class TestLoadLimits:
    def test_limits(self, file: Path) -> None:
        assert load("load_limits", put(file, [VERT, OOPM])) == "2 created, 0 updated, 0 unchanged"
        assert list(Limit.objects.values_list("code", "description", "type", "currency", "reference")) == [
            ("OOPM", "", "AMOUNT", "USD", "LIFETIME"),
            ("VERT", "Units a year", "UNITS", "", "CALENDAR_YEAR"),
        ]

    def test_sources(self, file: Path) -> None:
        assert load("load_limits", put(file, [SOURCE])) == "1 created, 0 updated, 0 unchanged"
        assert TransactionSource.objects.get().description == "Claims adjudication"

    def test_both(self, file: Path) -> None:
        document = {"limits": [VERT], "transactionSources": [SOURCE]}
        assert load("load_limits", put(file, document)) == "2 created, 0 updated, 0 unchanged"
        assert load("load_limits", file) == "0 created, 0 updated, 2 unchanged"

    def test_description_and_unused_reference_change(self, file: Path) -> None:
        load("load_limits", put(file, {"limits": [VERT, OOPM], "transactionSources": [SOURCE]}))
        changed = {
            "limits": [VERT | {"description": "New"}, OOPM | {"reference": "ANNUAL"}],
            "transactionSources": [SOURCE | {"description": "New"}],
        }
        assert load("load_limits", put(file, changed)) == "0 created, 3 updated, 0 unchanged"
        assert Limit.objects.get(code="VERT").description == TransactionSource.objects.get().description == "New"
        assert Limit.objects.get(code="OOPM").reference == "ANNUAL"

    @pytest.mark.parametrize("document", [[], {}, {"limits": None}])
    def test_nothing_to_store(self, file: Path, document: Any) -> None:
        assert load("load_limits", put(file, document)) == "0 created, 0 updated, 0 unchanged"

    def test_what_never_changes(self, file: Path) -> None:
        LimitFactory.create(code="VERT")
        ledger.write(rows=numbered([units()]))
        LimitFactory.create(code="OOPM", type="AMOUNT", currency="EUR")
        changed = [
            VERT | {"type": "SERVICE_DAYS", "reference": "LIFETIME"},
            OOPM,
            {"code": "NEW", "type": "UNITS", "reference": "LIFETIME"},
        ]
        assert complaints("load_limits", put(file, changed)) == [
            "FILE was not stored:",
            "/0/type: Limit VERT has type UNITS; that never changes, to SERVICE_DAYS neither. (CON-IP-023)",
            "/0/reference: Limit VERT has counters by CALENDAR_YEAR;"
            " the reference can no longer be LIFETIME. (CON-IP-024)",
            "/1/currency: Limit OOPM has currency EUR; that never changes, to USD neither. (CON-IP-023)",
        ]
        assert not Limit.objects.filter(code="NEW").exists()

    def test_every_broken_rule_with_its_place(self, file: Path) -> None:
        document = {
            "limits": [
                VERT | {"currency": "USD"},
                {"code": "OOPM", "type": "AMOUNT", "reference": "WEEKLY"},
                OOPM | {"currency": "XYZ"},
                {"code": "A", "type": "AMOUNT", "reference": "ANNUAL"},
                VERT | {"limit": 5},
                "text",
            ],
            "transactionSources": [{"description": "x" * 201}],
            "sources": [],
        }
        places = {line.partition(":")[0] for line in complaints("load_limits", put(file, document))[1:]}
        assert places == {
            "/limits/0/currency",
            "/limits/1/reference",
            "/limits/2/currency",
            "/limits/3/currency",
            "/limits/4/limit",
            "/limits/4/code",
            "/limits/5",
            "/transactionSources/0/code",
            "/transactionSources/0/description",
            "/sources",
        }
        assert not Limit.objects.exists()

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            (b"", "FILE: The body is not JSON"),
            (b"{", "FILE: The body is not JSON"),
            (b"\xff", "FILE: The body is not UTF-8"),
            (b'{"limits": [], "limits": []}', "FILE: The property 'limits' stands twice"),
            (b"5", "FILE was not stored:"),
        ],
    )
    def test_no_such_document(self, file: Path, content: bytes, complaint: str) -> None:
        file.write_bytes(content)
        assert complaints("load_limits", file)[0].startswith(complaint)

    def test_file_that_cannot_be_read(self, file: Path) -> None:
        assert complaints("load_limits", file) == ["FILE cannot be read: No such file or directory."]
        assert complaints("load_limits", file.parent) == ["FILE cannot be read: Is a directory."]

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once_make_a_limit_once(self) -> None:
        limit = LimitDefinition("NEW", "UNITS", "LIFETIME")
        stored: list[Any] = []

        def second() -> None:
            stored.append(limits.store(limits=[limit]))
            connections.close_all()

        with transaction.atomic():
            limits.store(limits=[limit])
            thread = threading.Thread(target=second)
            thread.start()
            thread.join(0.5)
            assert thread.is_alive()
        thread.join(60)
        assert [result.unchanged for result in stored] == [1]


class TestLoadConsumptions:
    @pytest.fixture(autouse=True)
    def limits(self, db: None) -> None:
        LimitFactory.create()

    def test_good_file(self, file: Path) -> None:
        rows = [units("P1", externalId="Ä"), units("P1", numberOfUnits=0.25), units("P2", serviceDate="2023-12-31")]
        assert load("load_consumptions", write_lines(file, rows)) == (
            "3 consumptions written to 2 counter periods (2 new counters)"
        )
        assert {key: str(total) for key, total in totals().items()} == {
            ("VERT", "P1", 2024): "1.2500",
            ("VERT", "P2", 2023): "1.0000",
        }

    @pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n  \n"])
    def test_ends_of_lines(self, file: Path, end: str) -> None:
        file.write_text("\n" + json.dumps(units()) + "\r\n" + json.dumps(units()) + end, newline="")
        assert load("load_consumptions", file).startswith("2 consumptions")

    def test_empty_file(self, file: Path) -> None:
        file.touch()
        assert load("load_consumptions", file).startswith("0 consumptions")

    def test_bad_lines_are_listed_and_nothing_is_written(self, file: Path) -> None:
        good = json.dumps(units())
        bad = json.dumps(units(limitCode="NO\x1bNE", numberOfUnits=None))
        file.write_text("\n".join([good, bad, "", "{", good]))
        assert complaints("load_consumptions", file) == [
            "FILE was not written:",
            "line 2, /limitCode: Limit code NO\\u001bNE is unknown. (CON-IP-002)",
            "line 4: The body is not JSON: Expecting property name enclosed in double quotes"
            " at line 1 column 2. (GEN-IP-001)",
        ]
        assert not Consumption.objects.exists()

    def test_more_bad_lines_than_anybody_reads(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ledger, "LISTED", 2)
        told = complaints("load_consumptions", write_lines(file, [units(x=1)] * 5))
        assert (len(told), told[-1]) == (4, "and 3 more")

    def test_number_that_a_float_cannot_hold(self, file: Path) -> None:
        file.write_text(json.dumps(units()).replace(": 1}", ": 1234567890123456.7891}"))
        load("load_consumptions", file)
        assert str(totals()["VERT", "P1", 2024]) == "1234567890123456.7891"

    def test_line_without_end(self, file: Path, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
        file.write_text(json.dumps(units()) + "\n" + " " * 1000 + json.dumps(units()))
        assert complaints("load_consumptions", file)[1].startswith("line 2: The line is longer than 1000 bytes")

    def test_file_that_cannot_be_read(self, file: Path) -> None:
        assert complaints("load_consumptions", file) == ["FILE cannot be read: No such file or directory."]
        assert complaints("load_consumptions", file.parent) == ["FILE cannot be read: Is a directory."]

    def test_is_one_transaction(self, file: Path) -> None:
        load("load_consumptions", write_lines(file, [units(f"P{n}") for n in range(50)]))
        assert Consumption.objects.values("transaction_id").distinct().count() == 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('pg_temp.staged_consumption')")
            assert cursor.fetchone()[0] is None
