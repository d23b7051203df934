"""What the console's templates ask of its admins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

register = template.Library()


@register.filter
def live_rows_address(page: Any, rows: Iterable[Any]) -> str:
    """Where a list asks for what moved on it; see `hypermedia.console.LiveListMixin`."""
    return str(page.live_rows_address(rows))
