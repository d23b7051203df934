"""What the OpenAPI document covers."""

from __future__ import annotations

from typing import Any

Endpoints = list[tuple[str, str, str, Any]]


def only_api(endpoints: Endpoints) -> Endpoints:
    """The addresses under /api; those at the root are the same resources once more."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/")]
