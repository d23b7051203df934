"""What an export comes to, limit by limit, and whether the running totals of its counters say the same as the ledger.

Worked out by the statement that prints the counters, over the same rows of the same snapshot; here it is read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from psycopg import Connection

from consumption.exports import RECONCILIATION, ExportedLimit

_NAMED = 10  # limits in a warning


@dataclass(frozen=True)
class Total:
    """Of one limit: how many consumptions and counters are in the files, what the consumptions add up to (service days:
    how many days are used), the first and the last of their date-times, and how many counters have another running
    total than the ledger."""

    limit: ExportedLimit
    consumptions: int = 0
    counters: int = 0
    value: Decimal = Decimal(0)
    service_days: int = 0
    first: datetime | None = None
    last: datetime | None = None
    mismatches: int = 0

    def document(self) -> dict[str, Any]:
        """As the set keeps it: the exact number as a text, since JSON in the database would make it a float."""
        document: dict[str, Any] = {
            "limitCode": self.limit.code,
            "consumptions": self.consumptions,
            "counters": self.counters,
            **self._sum(),
            "firstTransactionDateTime": _date_time(self.first),
            "lastTransactionDateTime": _date_time(self.last),
        }
        return {name: value for name, value in document.items() if value is not None}

    def _sum(self) -> dict[str, str]:
        number = format(self.value.normalize() + 0, "f")
        if self.limit.type == "AMOUNT":
            return {"amount": number, "currency": self.limit.currency}
        if self.limit.type == "UNITS":
            return {"numberOfUnits": number}
        return {"serviceDays": str(self.service_days)}


def read(connection: Connection[Any], limits: Sequence[ExportedLimit]) -> list[Total]:
    """What the statement of the counters has left in this transaction; limits without a consumption have zeros."""
    row = connection.execute("SELECT current_setting(%s, true)", [RECONCILIATION]).fetchone()
    assert row is not None
    found = {one["limit_id"]: one for one in json.loads(row[0] or "[]", parse_float=Decimal)}
    return [_total(limit, found[limit.id]) if limit.id in found else Total(limit) for limit in limits]


def warning(totals: Sequence[Total]) -> str | None:
    """What to tell whoever reads the operation's messages, when running totals are wrong."""
    wrong = [f"{total.limit.code} ({total.mismatches})" for total in totals if total.mismatches]
    if not wrong:
        return None
    others = f" and {len(wrong) - _NAMED} more limits" if len(wrong) > _NAMED else ""
    return (
        "The running totals of some counters differ from the sums of their consumptions. The files have the sums. "
        f"Limits, with the number of such counters: {', '.join(wrong[:_NAMED])}{others}."
    )


def _total(limit: ExportedLimit, found: dict[str, Any]) -> Total:
    return Total(
        limit,
        consumptions=int(found["consumptions"]),
        counters=int(found["counters"]),
        value=Decimal(found["value"]),
        service_days=int(found["service_days"]),
        first=datetime.fromisoformat(found["first"]),
        last=datetime.fromisoformat(found["last"]),
        mismatches=int(found["mismatches"]),
    )


def _date_time(moment: datetime | None) -> dict[str, str] | None:
    """The contract's shape: milliseconds, left out when they are zero."""
    if moment is None:
        return None
    spec = "milliseconds" if moment.microsecond else "seconds"
    return {"value": moment.astimezone(ZoneInfo(settings.TIME_ZONE)).isoformat(timespec=spec)}
