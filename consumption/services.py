"""What the app does for a view, the console and the command line alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from consumption import exports
from consumption.allowances import allowed_limits
from consumption.exporting.formats import is_available
from consumption.exports import Window
from consumption.models import ExportSeries, ReadConsumptionBatch
from hypermedia.errors import ResultMessage, RuleBroken
from jobs import services as jobs


def start_export(
    *,
    user_id: int,
    transaction_start: datetime,
    transaction_end: datetime,
    limit_codes: Sequence[str] | None = None,
    format: str | None = None,
    compression: str | None = None,
    series: ExportSeries | None = None,
    most_active: int | None = None,
) -> ReadConsumptionBatch:
    """Stores an export and its task. Both ends of the window are inclusive; no `limit_codes`: all that the user may
    export. A limit that is not on the user's list is as unknown as one that is not there.

    `series`: leaves out every entry that the snapshot of the last completed export of the series saw. Exports that
    continue each other neither lose an entry nor have one twice, however late its writer commits; so they wait for
    nobody. Their window has no end (`OPEN_END`).

    Raises RuleBroken with every rule that the request breaks.
    """
    broken = [
        *_window_rules(transaction_start, transaction_end),
        *limit_rules(user_id, limit_codes),
        *format_rules(format),
    ]
    if broken:
        raise RuleBroken(*broken)
    batch = ReadConsumptionBatch(
        transaction_start=transaction_start,
        transaction_end=transaction_end,
        limit_codes=None if limit_codes is None else list(limit_codes),
        format=format,
        compression=compression,
        series=series,
    )
    jobs.start(operation=batch, user_id=user_id, most_active=most_active)
    return batch


def estimate_export(
    *,
    user_id: int,
    transaction_start: datetime,
    transaction_end: datetime,
    limit_codes: Sequence[str] | None = None,
) -> int:
    """About how many rows such an export would have: the planner's guess. Raises RuleBroken like `start_export`."""
    broken = [*_window_rules(transaction_start, transaction_end), *limit_rules(user_id, limit_codes)]
    if broken:
        raise RuleBroken(*broken)
    codes = list(allowed_limits(user_id).values_list("code", flat=True)) if limit_codes is None else limit_codes
    connection.ensure_connection()
    limits = exports.find_limits(connection.connection, list(codes))
    return exports.estimate(connection.connection, Window(transaction_start, transaction_end, limits)).rows


def _window_rules(start: datetime, end: datetime) -> list[ResultMessage]:
    if end >= start:
        return []
    text = "The end lies before the start; transactionEndDateTime has to be the same moment or a later one."
    return [ResultMessage("CON-IP-001", text, "/transactionEndDateTime")]


def format_rules(format: str | None) -> list[ResultMessage]:
    """Whether this installation can write the format."""
    if format is None or is_available(format):
        return []
    text = f"The format {format} is not installed on this server; ask for ndjson or csv."
    return [ResultMessage("CON-IP-003", text, "/format")]


def limit_rules(user_id: int, codes: Sequence[str] | None) -> list[ResultMessage]:
    """Which of the codes are of no limit that the user may export."""
    if codes is None:
        return []
    known = set(allowed_limits(user_id).filter(code__in=codes).values_list("code", flat=True))
    return [
        ResultMessage("CON-IP-002", f"Limit code {code} is unknown.", f"/limitCodes/{index}")
        for index, code in enumerate(codes)
        if code not in known
    ]
