"""Pages of other origins: those on the list may read, and the seed's `Vary` stays what it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.wire import HEADERS, check
from tests.api.world import World
from tests.conftest import ApiClient

pytestmark = pytest.mark.django_db
ORIGIN = "https://pages.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,prefer"}


@pytest.fixture(autouse=True)
def listed(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


def test_a_listed_origin_reads_the_headers_too(world: World) -> None:
    task = world.belongings["client"].identifiers["tasks"]
    answer = check(world.clients["client"].get(f"/api/generic/tasks/{task}", Origin=ORIGIN), 200)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Access-Control-Allow-Credentials" not in answer.headers
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert exposed >= {"Location", "Link", "ETag", "Retry-After", "Operation-Location", "X-Request-ID"}
    assert exposed >= {"Preference-Applied", "Content-Range", "Repr-Digest", "Content-Disposition"}


def test_errors_can_be_read_as_well(world: World) -> None:
    answer = check(ApiClient(None).get("/api", Origin=ORIGIN), 401)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize("origin", ["https://others.example", "null", "https://pages.example.evil.example", "*"])
def test_others_get_nothing(world: World, origin: str) -> None:
    for answer in (
        check(world.clients["client"].get("/api", Origin=origin), 200),
        ApiClient(None).request("OPTIONS", "/api/readconsumptionbatches", Origin=origin, **PREFLIGHT),
    ):
        assert not [name for name in answer.headers if name.startswith("Access-Control-Allow-O")]


def test_a_preflight_needs_no_credentials(db: None) -> None:
    answer = ApiClient(None).request("OPTIONS", "/api/readconsumptionbatches", Origin=ORIGIN, **PREFLIGHT)
    assert answer.status_code == 204
    assert "Content-Type" not in answer.headers
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert {"authorization", "prefer", "idempotency-key"} <= {
        name.strip() for name in answer.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", ["/admin/login/", "/ws/rest/service/v2/oic/job/x"])
def test_neither_console_nor_callback(db: None, path: str) -> None:
    answer = ApiClient(None).get(path, Origin=ORIGIN)
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
