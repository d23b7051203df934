"""Line charts as SVG: a few lines of text are all that the plots of docs/performance.md need."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 64, 170, 36, 44
COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea")
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """`logarithmic`, or linear from 0."""

    title: str
    logarithmic: bool = True

    def ticks(self, values: Sequence[float]) -> list[float]:
        if self.logarithmic:
            low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
            return [10.0**power for power in range(low, max(high, low + 1) + 1)]
        step = 10.0 ** math.floor(math.log10(max(values)))
        step = next(part for part in (step / 5, step / 2, step, 2 * step) if max(values) / part <= 6)
        return [step * number for number in range(math.ceil(max(values) / step) + 1)]

    def place(self, value: float, ticks: Sequence[float]) -> float:
        """From 0 at the first tick to 1 at the last."""
        low, high = ticks[0], ticks[-1]
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return (value - low) / (high - low)


def chart(title: str, across: Axis, up: Axis, series: Mapping[str, Points]) -> str:
    """The SVG of lines over common axes, with the name of each at its end."""
    points = [point for line in series.values() for point in line]
    x_ticks, y_ticks = across.ticks([x for x, _ in points]), up.ticks([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * across.place(x, x_ticks),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * up.place(y, y_ticks),
        )

    parts = [_text(LEFT, 20, title, "font-weight='bold'")]
    for tick in x_ticks:
        x, y = at(tick, y_ticks[0])
        parts += [_line((x, y), at(tick, y_ticks[-1])), _text(x, y + 16, _written(tick), "text-anchor='middle'")]
    for tick in y_ticks:
        x, y = at(x_ticks[0], tick)
        parts += [_line((x, y), at(x_ticks[-1], tick)), _text(x - 6, y + 4, _written(tick), "text-anchor='end'")]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, across.title, "text-anchor='middle'"))
    parts.append(_text(WIDTH - RIGHT + 8, TOP - 14, up.title, ""))
    taken = math.inf  # where the last name stands: they are written from the bottom up
    lines = zip(series.items(), COLOURS, strict=False)
    for (name, line), colour in sorted(lines, key=lambda one: -at(*one[0][1][-1])[1]):
        places = [at(*point) for point in line]
        taken = min(places[-1][1] + 4, taken - 14)
        parts += [*_drawn(places, colour), _text(places[-1][0] + 8, taken, name, f"fill='{colour}'")]
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' font-family='sans-serif'"
    return "\n".join([f"{head} font-size='12'>", "<rect width='100%' height='100%' fill='#fff'/>", *parts, "</svg>\n"])


def _drawn(places: Sequence[tuple[float, float]], colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>" for x, y in places]
    return [f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2'/>", *dots]


def _line(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='#ddd'/>"


def _text(x: float, y: float, text: str, attributes: str) -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' {attributes}>{escape(text)}</text>"


def _written(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:g}"
