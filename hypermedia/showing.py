"""How the console shows values to people: chips, bars, sizes, ages. Each returns safe HTML, or plain text."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

NOTHING = "–"


class Tone(StrEnum):
    """What a chip or a line says before it is read. Never the only sign: a word stands beside it."""

    GOOD = "good"
    BUSY = "busy"
    WAITING = "waiting"
    BAD = "bad"
    QUIET = "quiet"


def chip(text: str, tone: Tone) -> SafeString:
    return format_html('<span class="tp-chip tp-{}">{}</span>', tone, text)


def bar(percent: int | None, label: str) -> SafeString:
    """A progress bar; without a percentage one that only says that work goes on."""
    value = "" if percent is None else format_html(' value="{}"', percent)
    shown = "" if percent is None else format_html(" <small>{} %</small>", percent)
    return format_html('<progress class="tp-bar" max="100"{} aria-label="{}"></progress>{}', value, label, shown)


def number(value: int | None) -> str:
    """`1234567` -> `1,234,567`"""
    return NOTHING if value is None else f"{value:,}"


def size(count: int | None) -> str:
    """Bytes in decimal units: `1.2 MB`."""
    if count is None:
        return NOTHING
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def duration(length: timedelta | float | None) -> str:
    """The two largest units that matter: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`."""
    if length is None:
        return NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    for larger, smaller, names in ((86400, 3600, "d h"), (3600, 60, "h min"), (60, 1, "min s")):
        if seconds >= larger:
            return _two(int(seconds), larger, smaller, *names.split())
    return f"{int(seconds)} s"


def _two(seconds: int, larger: int, smaller: int, large: str, small: str) -> str:
    whole, rest = divmod(seconds, larger)
    return f"{whole} {large} {rest // smaller} {small}" if rest // smaller else f"{whole} {large}"


def moment(when: datetime | None) -> SafeString | str:
    """Date and time to the second in the server's time zone."""
    if when is None:
        return NOTHING
    local = timezone.localtime(when)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), local.strftime("%Y-%m-%d %H:%M:%S"))


def ago(when: datetime | None) -> SafeString | str:
    """`3 min 20 s ago`, or `in 2 h`, with the exact time when pointed at."""
    if when is None:
        return NOTHING
    distance = timezone.now() - when
    text = f"in {duration(-distance)}" if distance < timedelta(0) else f"{duration(distance)} ago"
    local = timezone.localtime(when)
    exact = local.strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), exact, text)


def joined(*parts: Any) -> SafeString:
    """Parts side by side; what is empty is left out."""
    return format_html_join(" ", "{}", ((part,) for part in parts if part))


def anchor(address: str, text: Any) -> SafeString:
    return format_html('<a class="tp-link" href="{}">{}</a>', address, text)


def code(text: Any) -> SafeString | str:
    """An id or a checksum, in letters that can be told apart."""
    return format_html('<code class="tp-code">{}</code>', text) if text else NOTHING
