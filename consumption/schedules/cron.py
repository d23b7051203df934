"""When a cron expression is due by the local clock of a time zone: each time of that clock once.

A time that the clock skips (spring) is due right after the gap, one that comes twice (autumn) the first time. So what
is due once a day is due exactly once on each local day. Expressions whose minute or hour begins with `*` go by real
time instead, as in Debian's cron: every ten minutes means every ten minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from hypermedia.errors import ResultMessage

_FIELDS = "minute, hour, day of the month, month and day of the week"
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


def broken_rules(expression: str, time_zone: str) -> list[ResultMessage]:
    """What is wrong with a cron expression and its time zone; nothing when they will do."""
    broken = []
    if zone(time_zone) is None:
        text = f"{time_zone or 'Nothing'} is no time zone; write one like Europe/Amsterdam."
        broken.append(ResultMessage("SCH-IP-002", text, "/timeZone"))
    if reason := _wrong_with(expression):
        broken.append(ResultMessage("SCH-IP-001", f"{reason} 30 2 * * MON is half past two on Mondays.", "/cron"))
    return broken


def zone(name: str) -> ZoneInfo | None:
    """The time zone of that name, if there is one."""
    try:
        return ZoneInfo(name) if name in available_timezones() else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def due_after(expression: str, time_zone: str, moment: datetime) -> Iterator[datetime]:
    """The moments after `moment`, in UTC, rising; without an end, or none. Both texts have to be sound."""
    last = moment
    for due in _due_around(expression, ZoneInfo(time_zone), moment):
        if due > last:
            yield due
            last = due


def next_due(expression: str, time_zone: str, moment: datetime) -> datetime | None:
    return next(due_after(expression, time_zone, moment), None)


def _due_around(expression: str, zone: ZoneInfo, moment: datetime) -> Iterator[datetime]:
    """From some time before `moment` on; several times that fall into one gap give the same moment several times."""
    minute, hour = expression.split()[:2]
    if minute.startswith("*") or hour.startswith("*"):
        for due in _all(CronSim(expression, moment.astimezone(zone))):
            yield due.astimezone(UTC)
    else:
        for due in _all(CronSim(expression, moment.astimezone(zone).replace(tzinfo=None) - _DAY)):
            if (there := _moment_of(due, zone)) is not None:
                yield there


def _all(times: CronSim) -> Iterator[datetime]:
    try:
        yield from times
    except (OverflowError, ValueError):  # the calendar's end
        return


def _moment_of(local: datetime, zone: ZoneInfo) -> datetime | None:
    """When the clock shows this time first; of a time in a gap, the gap's end, or the last minute before it where the
    end is another day. None on a day that the clock skips as a whole."""
    if _exists(local, zone):
        return local.replace(tzinfo=zone).astimezone(UTC)
    for step in (_MINUTE, -_MINUTE):
        near = local
        while near.date() == local.date():
            if _exists(near, zone):
                return near.replace(tzinfo=zone).astimezone(UTC)
            near += step
    return None


def _exists(local: datetime, zone: ZoneInfo) -> bool:
    there = local.replace(tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) == local


def _wrong_with(expression: str) -> str:
    """In words; empty when nothing is."""
    if (found := len(expression.split())) != 5:
        return f"A cron expression has five fields ({_FIELDS}), not {found}."
    try:
        CronSim(expression, datetime(2024, 1, 1))  # noqa: DTZ001  no zone is meant
    except CronSimError as error:
        return f"{str(error).replace('Bad', 'Cannot read the')} in {expression}."
    return ""
