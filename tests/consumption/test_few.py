"""Exports of few entries, whose statements are planned once: the same bytes as by COPY, and never by reading all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from consumption import exports
from consumption.exporting import few
from consumption.exports import Window
from consumption.models import Limit
from tests.consumption.exporting import File, files
from tests.factories import ConsumptionFactory, CounterPeriodFactory, LimitFactory

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = {  # that of the protocol's example
    "transaction_start": datetime(1970, 10, 11, 13, 4, 41, tzinfo=UTC),
    "transaction_end": datetime(1970, 10, 11, 13, 4, 42, 509_000, tzinfo=UTC),
}
SINCE_1960 = {"transaction_start": datetime(1960, 1, 1, tzinfo=UTC)}
WINDOWS: dict[str, dict[str, Any]] = {
    "everything": SINCE_1960,
    "a second": SECOND,
    "a year": {
        "transaction_start": datetime(2020, 1, 1, tzinfo=UTC),
        "transaction_end": datetime(2021, 1, 1, tzinfo=UTC),
    },
    "one limit": {**SINCE_1960, "limit_codes": ["VERT"]},
    "some limits": {**SINCE_1960, "limit_codes": ["PAID", "DAYS", "OOPM"]},
    "a limit in a second": {**SECOND, "limit_codes": ["VERT", "PAID"]},
    "a limit without entries": {**SECOND, "limit_codes": ["PAID"]},
}


@pytest.fixture
def sample() -> None:
    call_command("load_sample", consumptions=900, verbosity=0)
    days = CounterPeriodFactory.create(limit=LimitFactory.create(code="DAYS", type=Limit.Type.SERVICE_DAYS))
    ConsumptionFactory.create_batch(3, counter_period=days, number_of_units=None)


def exported(monkeypatch: pytest.MonkeyPatch, way: str, **wanted: Any) -> list[File]:
    with monkeypatch.context() as patch:
        if way == "copied":
            patch.setattr(few, "read", lambda *_: None)
        else:
            patch.setattr("consumption.exporting.operation._copy", None)
        return files(**wanted)


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("wanted", WINDOWS.values(), ids=WINDOWS)
def test_the_same_bytes_as_by_copy(monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]) -> None:
    [by_plans], [by_copy] = exported(monkeypatch, "few", **wanted), exported(monkeypatch, "copied", **wanted)
    assert (by_plans.content, by_plans.rows) == (by_copy.content, by_copy.rows)
    assert by_plans.description == by_copy.description


@pytest.mark.usefixtures("sample")
def test_a_file_has_no_more_rows_than_it_may(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.EXPORT_FILE_ROWS = 70
    by_plans, by_copy = exported(monkeypatch, "few", **SINCE_1960), exported(monkeypatch, "copied", **SINCE_1960)
    assert [(one.description, one.content) for one in by_plans] == [(one.description, one.content) for one in by_copy]
    assert len(by_plans) > 1


def window(*codes: str) -> Window:
    limits = exports.find_limits(connection.connection, list(codes) or None)
    return Window(SINCE_1960["transaction_start"], datetime(2030, 1, 1, tzinfo=UTC), limits, every=not codes)


@pytest.mark.parametrize(("number", "are_few"), [(exports.SMALL, True), (exports.SMALL + 1, False)])
def test_how_many_are_few(number: int, are_few: bool) -> None:
    """Afterwards the statements of many are planned as usual."""
    call_command("load_sample", consumptions=number, verbosity=0)
    with transaction.atomic():
        connection.ensure_connection()
        assert (few.read(connection.connection, window()) is not None) is are_few
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('enable_hashjoin'), current_setting('plan_cache_mode')")
            assert cursor.fetchone() == (("off", "force_generic_plan") if are_few else ("on", "auto"))


@pytest.mark.usefixtures("sample")
def test_what_is_not_asked_that_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """What continues a series, very many limits, and a pooler that gives sessions to others."""
    with transaction.atomic():
        connection.ensure_connection()
        session = connection.connection
        assert few.read(session, window()) is not None
        since = replace(window(), since="1:1:")
        assert few.read(session, since) is None
        monkeypatch.setattr(settings, "PREPARED_STATEMENTS", False)
        assert few.read(session, window()) is None


@pytest.mark.parametrize("every", [True, False])
def test_nothing_is_read_whole(every: bool) -> None:
    """A limit with few entries in a long time, among many of others: the plan for any values knows neither."""
    call_command("load_sample", consumptions=20_000, verbosity=0)
    rare = ConsumptionFactory.create(counter_period=CounterPeriodFactory.create(limit=LimitFactory.create(code="RARE")))
    values: dict[str, Any] = {"start": SINCE_1960["transaction_start"], "end": datetime(2030, 1, 1, tzinfo=UTC)}
    if not every:
        values["limits"] = [rare.limit_id]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(few._LOOKING_UP)
        plans = [_plan(statement, values) for statement in (few._counting(every), *few._statements(every, True))]
    for plan in plans:
        assert "Seq Scan on consumption_co" not in plan, plan
        assert "Hash Join" not in plan, plan
        assert every or "limit_id = asked.id) AND (transaction_datetime" in plan, plan


def _plan(statement: str, values: dict[str, Any]) -> str:
    """For any values."""
    types = {"start": "timestamptz", "end": "timestamptz", "limits": "bigint[]"}
    for place, name in enumerate(values, 1):
        statement = statement.replace(f"%({name})s", f"${place}")
    session = connection.connection
    session.execute(f"PREPARE looked ({', '.join(types[name] for name in values)}) AS {statement}")
    lines = session.execute(f"EXPLAIN EXECUTE looked ({', '.join(['%s'] * len(values))})", [*values.values()])
    plan = "\n".join(line for [line] in lines.fetchall())
    session.execute("DEALLOCATE looked")
    return plan
