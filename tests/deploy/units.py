"""Reads the systemd units of `deploy/`, so that tests start what stands there and nothing else."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNITS = ROOT / "deploy" / "systemd"
ENVIRONMENT_FILE = ROOT / "deploy" / "tallyport.env.example"
PYTHON = "/opt/tallyport/.venv/bin/python"
STATE = "/var/lib/tallyport"


@dataclass(frozen=True)
class Unit:
    """What a unit starts. Texts as they stand in the file, `%i` and `${NAME}` not filled in yet."""

    name: str
    commands: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def argv(self, instance: str, environment: dict[str, str], state: Path, number: int = 0) -> list[str]:
        """The command as systemd would run it, but with this Python and another folder for its state."""
        values = {**self.environment, **environment}
        text = self.commands[number].replace(PYTHON, sys.executable).replace(STATE, str(state))
        text = text.replace("%%", "\0").replace("%i", instance).replace("%H", "host").replace("\0", "%")
        return [re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], word) for word in shlex.split(text)]


def read(name: str) -> Unit:
    text = (UNITS / f"{name}.service").read_text()
    environment = [pair for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE) for pair in shlex.split(line)]
    commands = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    return Unit(name, commands, dict(pair.split("=", 1) for pair in environment))


def all_units() -> list[Unit]:
    return [read(file.stem) for file in sorted(UNITS.glob("*.service"))]
