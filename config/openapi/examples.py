"""Examples in the OpenAPI document. They are real: `tests/api/test_examples.py` asked the requests and kept the answers
in `examples.json`, and fails when an answer looks otherwise."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")
Example = dict[str, Any]


@cache
def examples() -> dict[str, Example]:
    """By the name of the operation: `{"request"?, "status", "response"?}`."""
    found: dict[str, Example] = json.loads(FILE.read_text())
    return found


def illustrate(operation: dict[str, Any]) -> None:
    """Put the example of an operation into its description, if there is one."""
    example = examples().get(operation["operationId"])
    if example is None:
        return
    if "request" in example:
        _put(operation["requestBody"]["content"], example["request"])
    if "response" in example:
        _put(operation["responses"][example["status"]]["content"], example["response"])


def _put(content: dict[str, Any], example: Any) -> None:
    for media_type, described in content.items():
        if media_type.endswith("json"):
            described["example"] = example
