"""What a person sees: a moving bar on a terminal, plain lines anywhere else; on stderr, as results go to stdout."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.text import Text

LINE_SECONDS = 15.0  # without a terminal, how often an unfinished step says where it is


class Bar(Protocol):
    """One step on its way. `total` None: nobody knows how far it is."""

    def move(self, done: float, total: float | None, text: str) -> None: ...


class Display:
    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: TerminalBar | None = None

    def say(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style))

    def note(self, text: str) -> None:
        self.say(text, "yellow")

    @contextmanager
    def step(self, name: str, *, is_bytes: bool = False) -> Iterator[Bar]:
        if not self.console.is_terminal:
            yield LineBar(self, name)
            return
        amount: list[ProgressColumn] = [DownloadColumn(), TransferSpeedColumn()] if is_bytes else [TaskProgressColumn()]
        columns = (TextColumn("{task.description}"), BarColumn(), *amount, TimeElapsedColumn())
        with Progress(*columns, console=self.console) as progress:
            yield TerminalBar(progress, progress.add_task(name, total=None), name)


class TerminalBar:
    def __init__(self, progress: Progress, task: TaskID, name: str) -> None:
        self._progress, self._task, self._name = progress, task, name

    def move(self, done: float, total: float | None, text: str) -> None:
        description = f"{self._name}, {text}" if text else self._name
        self._progress.update(self._task, completed=done, total=total, description=description)


class LineBar:
    """A line at the start, then one every quarter of a minute while something changes."""

    def __init__(self, display: Display, name: str) -> None:
        self._display, self._name = display, name
        self._said, self._next = "", time.monotonic()

    def move(self, done: float, total: float | None, text: str) -> None:
        share = f", {100 * done / total:.0f} %" if total else ""
        line = f"{self._name}{share}{f', {text}' if text else ''}"
        if line != self._said and time.monotonic() >= self._next:
            self._display.say(line)
            self._said, self._next = line, time.monotonic() + LINE_SECONDS
