"""How a row is measured and judged. What the figures are is for `make bench` to say, never for a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from benchmarks.registry import ROWS
from benchmarks.rows import AtLeast, AtMost, Row, Side, measure


def row(ours: list[float], other: list[float], **changes: Any) -> tuple[Row, list[str]]:
    """A row whose sides give these figures in turn, and the order in which they were asked."""
    asked: list[str] = []
    figures = {"ours": iter(ours), "other": iter(other)}

    def side(name: str) -> Side:
        def ask() -> float:
            asked.append(name)
            return next(figures[name])

        return ask

    @contextmanager
    def prepare(_: int | None) -> Iterator[tuple[Side, Side]]:
        yield side("ours"), side("other")

    settings: dict[str, Any] = {"bar": AtMost(1.25), "rounds": len(ours), "warm_up": False} | changes
    return Row("row", "ours", "other", unit="s", prepare=prepare, **settings), asked


def test_the_sides_take_turns_in_going_first() -> None:
    one, asked = row([1, 1, 1], [1, 1, 1])
    measure(one, None)
    assert asked == ["ours", "other", "other", "ours", "ours", "other"]


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    one, _ = row([1, 2, 9], [1, 1, 1])
    measured = measure(one, None)
    assert (measured.ours, measured.other, measured.ratio) == (2, 1, 2)
    assert measured.short


def test_a_warm_up_does_not_count() -> None:
    one, _ = row([99, 1, 1], [1, 1, 1], rounds=2, warm_up=True)
    assert measure(one, None).ratio == 1


@pytest.mark.parametrize(
    ("bar", "ratio", "holds"),
    [(AtMost(1.25), 1.25, True), (AtMost(1.25), 1.26, False), (AtLeast(3.5), 3.5, True), (AtLeast(3.5), 3.4, False)],
)
def test_bars(bar: AtMost | AtLeast, ratio: float, holds: bool) -> None:
    assert bar.holds(ratio) is holds


def test_every_row_has_its_own_name_and_enough_rounds() -> None:
    names = [one.name for one in ROWS]
    assert len(set(names)) == len(names)
    assert all(one.rounds >= 5 for one in ROWS)
