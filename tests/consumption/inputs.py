"""Consumptions in the shape in which they come in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from consumption.ledger import Row
from consumption.models import CounterPeriod


def units(person: str = "P1", **properties: Any) -> dict[str, Any]:
    """One unit of VERT in May 2024."""
    return {
        "limitCode": "VERT",
        "aggregationLevel": "PERSON",
        "person": {"code": person},
        "serviceDate": "2024-05-01",
        "numberOfUnits": 1,
        **properties,
    }


def numbered(contents: Iterable[Any]) -> list[Row]:
    return [Row(line, content) for line, content in enumerate(contents, start=1)]


def write_lines(path: Path, contents: Iterable[dict[str, Any]]) -> Path:
    """One object a line; decimals as JSON numbers."""
    path.write_text("".join(json.dumps(content, default=float) + "\n" for content in contents))
    return path


def totals() -> dict[tuple[str, str, int], Decimal]:
    """The running totals, by limit, person or family, and the year that the period starts in."""
    return {
        (
            period.counter.limit.code,
            period.counter.person_code or period.counter.family_code or "",
            period.start_date.year,
        ): (period.total)
        for period in CounterPeriod.objects.select_related("counter__limit")
    }
