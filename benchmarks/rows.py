"""What a row is, and how it is measured: rounds of both sides in turn, and the median of the rounds' ratios."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median

Side = Callable[[], float]
Prepare = Callable[[int | None], AbstractContextManager[tuple[Side, Side]]]
ROUNDS = 5


class NotInstalled(Exception):
    """The other side, or what it needs, is not on this machine; the text says what is missing."""


@dataclass(frozen=True)
class AtMost:
    """Less is better: seconds, bytes."""

    ratio: float

    def holds(self, ratio: float) -> bool:
        return ratio <= self.ratio

    def __str__(self) -> str:
        return f"<= {self.ratio:g}"


@dataclass(frozen=True)
class AtLeast:
    """More is better: rows or requests a second."""

    ratio: float

    def holds(self, ratio: float) -> bool:
        return ratio >= self.ratio

    def __str__(self) -> str:
        return f">= {self.ratio:g}"


@dataclass(frozen=True)
class Row:
    """One measured ratio.

    `prepare(size)` starts what the row needs and gives its two sides, ours first; each call of a side does the work
    once and returns the figure in `unit`. `size` is what `N=` said, or None: then the row's own default. Raises
    NotInstalled when the other side is not there. `warm_up`: one round before the others that does not count.
    """

    name: str
    ours: str
    other: str
    bar: AtMost | AtLeast
    unit: str
    prepare: Prepare
    starred: bool = False
    rounds: int = ROUNDS
    warm_up: bool = True


@dataclass
class Measured:
    """The figures of a row, a pair for each round."""

    row: Row
    pairs: list[tuple[float, float]] = field(default_factory=list)

    @property
    def ours(self) -> float:
        return median(ours for ours, _ in self.pairs)

    @property
    def other(self) -> float:
        return median(other for _, other in self.pairs)

    @property
    def ratios(self) -> list[float]:
        return sorted(ours / other for ours, other in self.pairs)

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def short(self) -> bool:
        return not self.row.bar.holds(self.ratio)


def measure(row: Row, size: int | None) -> Measured:
    """Prepares the row and runs its rounds; every other round begins with the other side."""
    measured = Measured(row)
    with row.prepare(size) as (ours, other):
        if row.warm_up:
            ours(), other()
        for number in range(row.rounds):
            if number % 2:
                second = other()
                measured.pairs.append((ours(), second))
            else:
                measured.pairs.append((ours(), other()))
    return measured
