"""The OpenAPI document is valid, covers every route, and says what the service answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import validate

from config.openapi.routes import ROUTES
from tests.api.wire import HEADERS

PEOPLE = ("/admin", "/api/docs", "/api/openapi.json")
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module")
def document() -> Any:
    response = Client().get("/api/openapi.json", headers={"Accept": "application/json"})
    assert response.status_code == 200
    return response.json()


def routes(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, str]]:
    """(method, address) of everything that the URL table reaches."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            names = getattr(view, "http_method_names", [])
            for method in METHODS:
                if method.lower() in names and hasattr(view, method.lower()):
                    yield method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path).replace("{pk}", "{id}")


def served() -> set[tuple[str, str]]:
    found = {(method, path.rstrip("/")) for method, path in routes(get_resolver().url_patterns)}
    aliases = {(method, path) for method, path in found if (method, f"/api{path}") in found}
    return {
        (method, path.replace("{job_id}", "{jobId}")) for method, path in found - aliases if not path.startswith(PEOPLE)
    }


def test_valid(document: Any) -> None:
    assert document["openapi"] == "3.1.1"
    validate(document)


def test_every_route_is_documented_and_nothing_else(document: Any) -> None:
    documented = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert served() == documented == set(ROUTES)


def test_every_group_has_its_place(document: Any) -> None:
    used = {tag for item in document["paths"].values() for operation in item.values() for tag in operation["tags"]}
    assert used == {tag["name"] for tag in document["tags"]}


def test_names_are_unique_and_links_lead_somewhere(document: Any) -> None:
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    targets = {
        link["operationId"]
        for operation in operations
        for answer in operation["responses"].values()
        for link in answer.get("links", {}).values()
    }
    assert targets <= set(names)


def test_the_pages_to_read_it_need_no_other_host() -> None:
    page = Client().get("/api/docs").content.decode()
    assert re.findall(r'(?:src|href)="(https?:)?//', page) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_the_page_carries_the_headers_of_the_api_and_may_run_its_own_script(method: str) -> None:
    headers = Client().generic(method, "/api/docs").headers
    policy = headers["Content-Security-Policy"]
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert "script-src 'self' 'unsafe-inline'" in policy
