"""Many rows are written without asking whether each one is new; here a few are many."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from consumption import ledger, posting
from consumption.models import Counter
from consumption.writing import applying, sources
from tests.conftest import ApiClient
from tests.consumption.imports import counts, input_set, lines, written
from tests.consumption.inputs import totals, units

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_MANY", 2)


def test_twice_in_one_piece(writer: ApiClient, user: User) -> None:
    rows = [units(externalId="A"), units(), units(externalId="A"), units(externalId="A", numberOfUnits=2)]
    batch, refused = written(writer, input_set(user, lines(*rows)))
    assert counts(batch) == (4, 2, 1, 1)
    assert [(row["line"], row["code"]) for row in refused] == [(4, "CON-IP-019")]
    assert totals() == {("VERT", "P1", 2024): 2}


def test_in_two_pieces(writer: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is looked at before the first one is written."""
    monkeypatch.setattr(sources, "ROWS", 2)
    rows = [units(externalId=name) for name in ("A", "B", "A", "C", "B", "D", "E")]
    batch, refused = written(writer, input_set(user, lines(*rows)))
    assert (counts(batch), refused) == ((7, 5, 2, 0), [])
    assert totals() == {("VERT", "P1", 2024): 5}


def test_somebody_writes_one_of_them_meanwhile(writer: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    real = applying.apply

    def after_another(*arguments: Any) -> Any:
        ledger.enter(user_id=user.pk, content=units("P1", externalId="A"))
        return real(*arguments)

    monkeypatch.setattr(applying, "apply", after_another)
    content = lines(units("P1", externalId="B"), units("P9", externalId="A"), units("P1", externalId="C"))
    batch, refused = written(writer, input_set(user, content))
    assert counts(batch) == (3, 2, 0, 1)
    assert [(row["line"], row["code"]) for row in refused] == [(2, "CON-IP-019")]
    assert totals() == {("VERT", "P1", 2024): 3}
    assert not Counter.objects.filter(person_code="P9").exists(), "nothing of a refused row stays"
