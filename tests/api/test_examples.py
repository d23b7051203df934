"""The examples in the OpenAPI document are what the service answers: asked here, compared with what is kept.

`KEEP_EXAMPLES=1 .venv/bin/python -m pytest tests/api/test_examples.py -n 0` keeps today's answers.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from config.openapi.document import from_tables
from config.openapi.examples import FILE, examples
from config.openapi.routes import ROUTES
from tests.api import matrix
from tests.api.matrix import Row
from tests.api.requests import address, body_for, headers_for, undone
from tests.api.world import World

pytestmark = pytest.mark.django_db

ASKING = ("operator", "client", "integration", "auditor")  # the first of them that is let in
SECRETS = {"token", "access_token", "signingSecret"}
VOLATILE = re.compile(r"[0-9A-F]{15,}|[0-9a-f]{32,64}|[0-9]+|(?<=cursor=)[^&\"]+")
ROW_OF = {(row.method, row.route): row for row in matrix.rows()}


def row_of(method: str, path: str) -> Row:
    """The row of the authorisation matrix that says how to ask this operation."""
    ids = {"id": "<id:pk>", "code": "<code:code>", "file_code": "<code:file_code>", "jobId": "<path:job_id>"}
    return ROW_OF[method, re.sub(r"{(\w+)}", lambda match: ids[match[1]], path).removeprefix("/")]


def asked(world: World, method: str, path: str) -> dict[str, Any]:
    """`{"request"?, "status", "response"?}` of one operation, as somebody who may sees it."""
    row = row_of(method, path)
    persona = next((name for name in ASKING if row.expected[name][0] < 300), ASKING[0])
    names = world.identifiers(persona, "own")
    body = body_for(row, names)
    with undone(method):
        response = world.clients[persona].request(
            method, address(row.route, names), body, Accept="application/json", **headers_for(row)
        )
        content = response.getvalue()
    example: dict[str, Any] = {"request": body} if body is not None and ROUTES[method, path].body else {}
    example["status"] = str(response.status_code)
    if content and response.headers["Content-Type"] in {"application/json", "application/json; charset=utf-8"}:
        example["response"] = without_secrets(json.loads(content))
    return example


def without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "shown once" if key in SECRETS else without_secrets(item) for key, item in value.items()}
    return [without_secrets(item) for item in value[:3]] if isinstance(value, list) else value


def alike(value: Any) -> Any:
    """Without what differs from run to run: numbers, codes, moments."""
    if isinstance(value, dict):
        return {key: alike(item) for key, item in value.items()}
    if isinstance(value, list):
        return [alike(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"0(\.0)?\+0:0|0Z", "0Z", VOLATILE.sub("0", value))
    return 0 if isinstance(value, (int, float)) and not isinstance(value, bool) else value


OPERATIONS = {route.name: key for key, route in ROUTES.items()}


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return examples() if FILE.exists() else {}


@pytest.mark.skipif(not os.environ.get("KEEP_EXAMPLES"), reason="keeps new examples only when told to")
def test_keep(world: World) -> None:
    found = {name: asked(world, *OPERATIONS[name]) for name in sorted(OPERATIONS)}
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    examples.cache_clear()


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_are_what_is_answered(world: World, name: str) -> None:
    again = f"KEEP_EXAMPLES=1 .venv/bin/python -m pytest {__file__} -n 0"
    assert alike(examples().get(name)) == alike(asked(world, *OPERATIONS[name])), again


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_fit_their_schemas(name: str) -> None:
    document = from_tables({})
    method, path = OPERATIONS[name]
    operation = document["paths"][path][method.lower()]
    example = examples()[name]
    described = operation["responses"][example["status"]]
    parts = [(described.get("content", {}), example.get("response"))]
    parts.append((operation.get("requestBody", {}).get("content", {}), example.get("request")))
    for content, value in parts:
        if value is not None:
            schema = next(each["schema"] for media, each in content.items() if media.endswith("json"))
            validator = OAS31Validator({**schema, "components": document["components"]})
            assert [error.message for error in validator.iter_errors(value)] == []


def test_there_is_an_example_of_everything_and_of_nothing_else() -> None:
    assert examples().keys() == OPERATIONS.keys()
