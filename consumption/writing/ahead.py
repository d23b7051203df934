"""The next item is taken while this one is being used: at two places in turn, by a thread."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import TypeVar

Place = TypeVar("Place")
Item = TypeVar("Item")


def in_turn(places: Sequence[Place], order: Callable[[Place], Callable[[], Item | None]]) -> Generator[Item]:
    """Items, until one is None. To be closed: the thread has ended then.

    `order(place)` is called by the user's thread, and what it gives by the other one, when the item before the last
    has been used: that was at the same place. What it raises is raised here.
    """
    turns = cycle(places)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(order(next(turns)))
        while (item := coming.result()) is not None:
            coming = thread.submit(order(next(turns)))
            yield item
