"""The SVG of a plot."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.charts import Axis, chart


def test_a_line_goes_through_its_points() -> None:
    drawn = chart("Time", Axis("rows"), Axis("s", logarithmic=False), {"ours & theirs": [(10, 1), (1000, 2)]})
    picture = ElementTree.fromstring(drawn)  # noqa: S314  # our own
    (line,) = picture.iter("{http://www.w3.org/2000/svg}polyline")
    (left, low), (right, high) = (map(float, place.split(",")) for place in line.attrib["points"].split())
    assert left < right
    assert low > high, "more stands higher"
    assert "ours & theirs" in [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize(
    ("axis", "values", "ticks"),
    [
        (Axis(""), [20, 4000], [10, 100, 1000, 10_000]),
        (Axis(""), [10, 10], [10, 100]),
        (Axis("", logarithmic=False), [3, 104], [0, 20, 40, 60, 80, 100, 120]),
        (Axis("", logarithmic=False), [1, 2, 4], [0, 1, 2, 3, 4]),
    ],
)
def test_ticks(axis: Axis, values: list[float], ticks: list[float]) -> None:
    assert axis.ticks(values) == ticks
