"""The document itself, made from the tables and served by drf-spectacular, which also brings the pages to read it."""

from __future__ import annotations

from typing import Any

from config.openapi.collections import COLLECTION_SHAPES
from config.openapi.consumptions import CONSUMPTION_SHAPES
from config.openapi.examples import illustrate
from config.openapi.files import FILE_SHAPES
from config.openapi.notifications import NOTIFICATION_SHAPES, WEBHOOKS
from config.openapi.processing import PROCESSING_SHAPES
from config.openapi.routes import ROUTES
from config.openapi.shapes import SHAPES

SECURITY = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token from `POST /api/accesstokens`."},
}


def no_endpoints(endpoints: list[Any]) -> list[Any]:
    """drf-spectacular guesses from serializers; here the tables say it, the callback's plain views included."""
    return []


def from_tables(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for (method, path), route in ROUTES.items():
        operation = route.operation(path)
        illustrate(operation)
        _link_items(operation, path)
        paths.setdefault(path, {})[method.lower()] = operation
    result["paths"] = paths
    result["webhooks"] = WEBHOOKS
    tables = (SHAPES, NOTIFICATION_SHAPES, COLLECTION_SHAPES, CONSUMPTION_SHAPES, PROCESSING_SHAPES, FILE_SHAPES)
    schemas = {name: schema for table in tables for name, schema in table.items()}
    result["components"] = {"schemas": schemas, "securitySchemes": SECURITY}
    return result


def _link_items(operation: dict[str, Any], path: str) -> None:
    """From a page of a collection to the first of its items, where items have an address of their own."""
    collection = path.removesuffix("/search")
    for parameter in ("id", "code"):
        item = ROUTES.get(("GET", f"{collection}/{{{parameter}}}"))
        if item is not None and operation["operationId"].startswith(("list", "search")):
            link = {"operationId": item.name, "parameters": {parameter: f"$response.body#/items/0/{parameter}"}}
            operation["responses"]["200"].setdefault("links", {})[item.name] = link
