"""Which link of an export or an import shows in which state: those of every operation, and its result."""

from __future__ import annotations

from typing import Any

from hypermedia.links import Rule
from hypermedia.readers import Reader
from jobs.links import OPERATION_LINKS
from jobs.states import OperationStatus


def _has_result(batch: Any, reader: Reader) -> bool:
    return batch.status == OperationStatus.COMPLETED and batch.set_code is not None


RESULT_LINKS: tuple[Rule[Any], ...] = (
    *OPERATION_LINKS,
    Rule("datafileset", "GET", lambda batch: f"datafilesets/{batch.set_code}", _has_result),
)
