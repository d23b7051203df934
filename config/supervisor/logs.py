"""Show the log files of several services on one terminal, each line with its service's name.

The services write to their files themselves, so that a terminal that stands still stops none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")
WIDTH = 8

console = Console(highlight=False, soft_wrap=True)


def say(name: str, line: str, style: str = "bold") -> None:
    console.print(Text.assemble((f"{name:<{WIDTH}}| ", style), Text.from_ansi(line)))


class Tail:
    """Follows one log file from where it ends now."""

    def __init__(self, name: str, path: Path, colour: str) -> None:
        self.name, self.path, self.colour = name, path, colour
        self.position = path.stat().st_size if path.exists() else 0
        self.rest = b""

    def show(self) -> None:
        for line in self.new_lines():
            say(self.name, line, self.colour)

    def new_lines(self) -> Iterator[str]:
        """The whole lines written since the last call."""
        if not self.path.exists() or self.path.stat().st_size <= self.position:
            return
        with self.path.open("rb") as file:
            file.seek(self.position)
            *lines, self.rest = (self.rest + file.read()).split(b"\n")
            self.position = file.tell()
        yield from (line.decode(errors="replace").rstrip() for line in lines)


def set_aside(folder: Path) -> None:
    """Keep the logs of the run before as `*.log.1`, so that this run's begin empty."""
    for log in folder.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))
