"""A record of CSV as the JSON text of a row: its columns are the properties, `person.code` or `person` for one inside.

Cells are texts, so a number is one when it is written as JSON writes it, and an empty cell is an absent property.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from hypermedia.errors import DomainError, Malformed

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
# Text cells that a spreadsheet would run are written with an apostrophe before them.
_ESCAPED = re.compile(r"'[=+\-@\t\r]")

# Column -> the path of its property. `amount` and `currency` side by side are what people write by hand.
_PATHS: dict[str, tuple[str, ...]] = {
    **{
        name: (name,)
        for name in (
            *("limitCode", "aggregationLevel", "familyCode", "serviceDate", "numberOfUnits", "counterId", "startDate"),
            *("endDate", "externalId", "description", "transactionSourceCode", "referenceCode", "withdrawn"),
        )
    },
    "person": ("person", "code"),
    "person.code": ("person", "code"),
    "personCode": ("person", "code"),
    "provider": ("provider", "code"),
    "provider.code": ("provider", "code"),
    "providerCode": ("provider", "code"),
    "amount": ("amount", "value"),
    "amount.value": ("amount", "value"),
    "amount.currency": ("amount", "currency"),
    "currency": ("amount", "currency"),
}
_NUMBERS = {("numberOfUnits",), ("counterId",), ("amount", "value")}
_FLAGS = {"true": "true", "false": "false"}

Path = tuple[str, ...]


def columns(header: Sequence[str]) -> list[Path]:
    """The property of each column. Raises Malformed for an unknown one, or when two are the same."""
    if len(header) == 1 and any(other in header[0] for other in ";\t|"):
        raise Malformed("Line 1: the separator of a CSV file has to be a comma.")
    unknown = [number for number, name in enumerate(header, start=1) if name not in _PATHS]
    if unknown or not header:
        # Not what stands there: without a header that is somebody's data.
        told = f"does not know its column {unknown[0]}" if unknown else "needs a header"
        raise Malformed(f"Line 1: a CSV file of consumptions {told}; the columns are {', '.join(_PATHS)}.")
    paths = [_PATHS[name] for name in header]
    if len(set(paths)) < len(paths):
        raise Malformed("Line 1: two columns are the same property.")
    return paths


def row(columns: Sequence[Path], record: Sequence[str]) -> str | DomainError:
    """The record as JSON text."""
    if len(record) != len(columns):
        return Malformed(f"The record has {len(record)} cells; the header has {len(columns)}.")
    properties: dict[str, str] = {}
    for path, cell in zip(columns, record, strict=True):
        if cell:
            value = _value(path, cell)
            if len(path) == 1:
                properties[path[0]] = value
            else:
                inside = f'"{path[1]}":{value}'
                before = properties.get(path[0])
                properties[path[0]] = f"{before[:-1]},{inside}}}" if before else f"{{{inside}}}"
    return "{" + ",".join(f'"{name}":{value}' for name, value in properties.items()) + "}"


def _value(path: Path, cell: str) -> str:
    if path in _NUMBERS and _NUMBER.fullmatch(cell):
        return cell
    if path == ("withdrawn",) and cell.lower() in _FLAGS:
        return _FLAGS[cell.lower()]
    return json.dumps(cell[1:] if _ESCAPED.match(cell) else cell)
