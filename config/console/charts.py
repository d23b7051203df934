"""Bars as inline SVG: no script and nothing from outside. Coordinates are computed here, the template only draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH, HEIGHT = 520, 190  # about what they have on a screen: a letter keeps its size
LEFT, RIGHT, TOP, BOTTOM = 52, 6, 10, 24
_GAP = 3
_LABEL_EVERY = 4


@dataclass(frozen=True)
class Part:
    """A rectangle of a bar."""

    style: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    label: str
    title: str
    parts: list[Part]
    mark: float | None = None  # where a line crosses the bar

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width


@dataclass(frozen=True)
class Line:
    """A line of the scale."""

    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    title: str
    summary: str
    bars: list[Bar]
    lines: list[Line]
    legend: list[tuple[str, str]]
    headings: list[str]
    rows: list[list[str]] = field(default_factory=list)
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    base: int = HEIGHT - BOTTOM
    label_y: int = HEIGHT - 8


@dataclass(frozen=True)
class Column:
    """What one bar shows: values from the bottom up, and a mark above or in it."""

    label: str
    title: str
    values: Sequence[float]
    mark: float | None = None


def scale(largest: float) -> float:
    """A round number that is not smaller: 1, 2, 5, 10, 20, 50, ..."""
    step = 1.0
    while True:
        for factor in (1, 2, 5):
            if largest <= factor * step:
                return factor * step
        step *= 10


_SECONDS = (1, 2, 4, 10, 20, 30, 60, 120, 240, 600, 1200, 1800, 3600, 7200, 14400, 28800)


def time_scale(largest: float) -> float:
    """A length of time that is not smaller, and that people halve without thinking; in seconds."""
    return next((float(length) for length in _SECONDS if largest <= length), scale(largest / 3600) * 3600)


def draw(
    columns: Sequence[Column],
    styles: Sequence[str],
    show: Callable[[float], str],
    round_up: Callable[[float], float] = scale,
    **texts: Any,
) -> Chart:
    largest = max([*(sum(one.values) for one in columns), *(one.mark or 0 for one in columns), 0.0001])
    top = round_up(largest)
    per_unit = (HEIGHT - TOP - BOTTOM) / top
    step = (WIDTH - LEFT - RIGHT) / len(columns)
    bars = [_bar(one, index, step, per_unit, styles) for index, one in enumerate(columns)]
    lines = [Line(_y(top * part, per_unit), show(top * part)) for part in (0, 0.5, 1)]
    return Chart(bars=bars, lines=lines, **texts)


def _bar(column: Column, index: int, step: float, per_unit: float, styles: Sequence[str]) -> Bar:
    parts, below = [], 0.0
    for style, value in zip(styles, column.values, strict=True):
        if value:
            parts.append(Part(style, _y(below + value, per_unit), round(value * per_unit, 1)))
        below += value
    mark = None if column.mark is None else _y(column.mark, per_unit)
    label = column.label if index % _LABEL_EVERY == 0 else ""
    return Bar(round(LEFT + index * step, 1), round(step - _GAP, 1), label, column.title, parts, mark)


def _y(value: float, per_unit: float) -> float:
    return round(HEIGHT - BOTTOM - value * per_unit, 1)
