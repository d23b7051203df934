"""The processes of this machine, as /proc tells of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path


def processes() -> Iterator[tuple[int, str, int, int]]:
    """(process id, state, parent, group) of every process."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent, group = stat.read_text().rpartition(")")[2].split()[:3]
            yield int(stat.parent.name), state, int(parent), int(group)


def children(parent: int) -> list[int]:
    return [process_id for process_id, _, found, _ in processes() if found == parent]


def births(process_ids: Iterable[int]) -> dict[int, str]:
    """When each of these that live was started, by which it is told from a later one with the same number."""
    found = {}
    for process_id in process_ids:
        with suppress(OSError):
            state, *more = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
            if state != "Z":
                found[process_id] = more[18]
    return found


def left(known: Mapping[int, str]) -> dict[int, str]:
    """Those of them that still live."""
    return {process_id: birth for process_id, birth in births(known).items() if known[process_id] == birth}


def frozen(groups: Container[int]) -> list[int]:
    """Those of these groups that are stopped."""
    return [process_id for process_id, state, _, group in processes() if group in groups and state == "T"]


def wake(groups: Container[int]) -> None:
    """Whoever stands still goes on, however long it still would have stood."""
    for process_id in frozen(groups):
        os.kill(process_id, signal.SIGCONT)


def open_files(groups: Mapping[int, str]) -> dict[str, int]:
    """How many files each process of a named group has open at most, by the group's name."""
    found: dict[str, int] = {}
    for process_id, _, _, group in processes():
        if group in groups:
            with suppress(OSError):
                files = len(list(Path(f"/proc/{process_id}/fd").iterdir()))
                found[groups[group]] = max(files, found.get(groups[group], 0))
    return found
