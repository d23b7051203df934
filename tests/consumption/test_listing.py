"""Limits, counters, periods and entries: how much is left for somebody, who may see it, and only of the limits that
somebody has."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from consumption import allowances, ledger
from consumption.models import Limit
from hypermedia.readers import Role
from tests.conftest import ApiClient
from tests.consumption.inputs import numbered, units
from tests.factories import LimitFactory

pytestmark = pytest.mark.django_db

WINDOW = {
    "transactionStartDateTime": {"value": "2020-01-01T00:00:00Z"},
    "transactionEndDateTime": {"value": "2999-01-01T00:00:00Z"},
}


@pytest.fixture(autouse=True)
def entries(db: None) -> None:
    LimitFactory.create(maximum=Decimal("9.5"))
    LimitFactory.create(code="VISITS")
    ledger.write(rows=numbered([units("P1"), units("P1", numberOfUnits=Decimal("0.25")), units("P2")]))
    ledger.write(rows=numbered([{**units("P1"), "limitCode": "VISITS"}]))


def found(client: ApiClient, what: str, q: str) -> list[Any]:
    answer = client.post(f"/api/generic/{what}/search", {"resource": {"q": q}})
    assert answer.status_code == 200, answer.json()
    return list(answer.json()["items"])


def test_how_much_is_left_for_a_person(testuser: ApiClient) -> None:
    [period] = found(testuser, "counterperiods", "person.code.eq('P1').and.limitCode.eq('VERT')")
    assert (period["total"], period["maximum"], period["remaining"]) == (
        {"numberOfUnits": 1.25},
        {"numberOfUnits": 9.5},
        {"numberOfUnits": 8.25},
    )
    [visits] = found(testuser, "counterperiods", "person.code.eq('P1').and.limitCode.eq('VISITS')")
    assert "remaining" not in visits
    consumptions = next(link["href"] for link in period["links"] if link["rel"] == "consumptions")
    assert [one["numberOfUnits"] for one in testuser.get(consumptions).json()["items"]] == [1, 0.25]
    counter = next(link["href"] for link in period["links"] if link["rel"] == "counter")
    document = testuser.get(counter).json()
    assert (document["person"], document["limitCode"]) == ({"code": "P1"}, "VERT")
    periods = next(link["href"] for link in document["links"] if link["rel"] == "counterperiods")
    assert testuser.get(periods).json()["items"] == [period]


def test_limits(auditor: ApiClient) -> None:
    [limit] = found(auditor, "limits", "code.eq('VERT')")
    assert substance(limit) == {
        "type": "limit",
        "code": "VERT",
        "description": "Manual therapy of the spine, units per calendar year",
        "limitType": "UNITS",
        "reference": "CALENDAR_YEAR",
        "maximum": {"numberOfUnits": 9.5},
    }


def substance(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in {"id", "links"}}


@pytest.mark.parametrize("what", ["counters", "counterperiods", "consumptions"])
def test_an_auditor_sees_nobodys_data(auditor: ApiClient, what: str) -> None:
    assert auditor.get(f"/api/generic/{what}").status_code == 403


@pytest.mark.parametrize("order", ["id:desc", "transactionDateTime"])
def test_orders_of_entries(testuser: ApiClient, order: str) -> None:
    first = testuser.get(f"/api/generic/consumptions?orderBy={order}&limit=3").json()
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    assert len(first["items"]) + len(testuser.get(following).json()["items"]) == 4


class TestAllowances:
    @pytest.fixture
    def restricted(self, client_of: Callable[..., ApiClient]) -> ApiClient:
        client = client_of(Role.CLIENT)
        assert client.user is not None
        allowances.allow(user_id=client.user.pk, limits=[Limit.objects.get(code="VISITS")])
        return client

    def test_reads(self, restricted: ApiClient, testuser: ApiClient) -> None:
        for what, expected in {"limits": 1, "counters": 1, "counterperiods": 1, "consumptions": 1}.items():
            everything = testuser.get(f"/api/generic/{what}").json()["items"]
            seen = restricted.get(f"/api/generic/{what}").json()["items"]
            assert len(seen) == expected < len(everything)
            hidden = next(one for one in everything if one not in seen)
            assert restricted.get(f"/api/generic/{what}/{hidden['id']}").status_code == 404
            assert restricted.get(f"/api/generic/{what}/{seen[0]['id']}").status_code == 200

    def test_an_export_names_an_allowed_limit(self, restricted: ApiClient) -> None:
        forbidden = restricted.post("/api/readconsumptionbatches", {**WINDOW, "limitCodes": ["VISITS", "VERT"]})
        unknown = restricted.post("/api/readconsumptionbatches", {**WINDOW, "limitCodes": ["VISITS", "NONE"]})
        assert forbidden.status_code == unknown.status_code == 422
        [told], [expected] = (answer.json()["resultMessages"]["resultMessage"] for answer in (forbidden, unknown))
        assert told == {**expected, "text": expected["text"].replace("NONE", "VERT")}

    def test_an_empty_list_allows_nothing(self, restricted: ApiClient) -> None:
        assert restricted.user is not None
        allowances.allow(user_id=restricted.user.pk, limits=[])
        assert restricted.get("/api/generic/limits").json()["items"] == []
        allowances.allow(user_id=restricted.user.pk, limits=None)
        assert len(restricted.get("/api/generic/limits").json()["items"]) == 2


@pytest.mark.django_db(transaction=True)
def test_an_export_of_all_limits_holds_the_allowed_ones(
    client_of: Callable[..., ApiClient], work: Callable[[], None]
) -> None:
    client = client_of(Role.CLIENT)
    assert client.user is not None
    allowances.allow(user_id=client.user.pk, limits=[Limit.objects.get(code="VISITS")])
    batch = client.get(client.post("/api/readconsumptionbatches", WINDOW).headers["Location"]).json()
    work()
    batch = client.get(batch["links"][0]["href"]).json()
    assert "limitCodes" not in batch
    result = next(link["href"] for link in batch["links"] if link["rel"] == "datafileset")
    [file] = client.get(result).json()["dataFiles"]
    content = b"".join(client.get(file["links"][0]["href"]).streaming_content)
    assert content.count(b'"limitCode":"VISITS"') == content.count(b"\n") == 2
