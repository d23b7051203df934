"""The environment of the processes that `up` starts, and the file that tells it to a second terminal."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.embedded.place import Place

# As root in development Celery warns at every start, and WhiteNoise that nobody has collected static files.
NO_NEWS = "ignore::UserWarning:celery.platforms,ignore:No directory at:UserWarning"
KEPT = ("ENVIRONMENT", "PORT", "PUBLIC_URL", "DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY")
SECRET_LINE = re.compile(r"^SECRET_KEY='?([^'\n]+)", re.MULTILINE)


@dataclass(frozen=True)
class Address:
    """Where the web server listens. `HOST` other than the default opens it to the network."""

    host: str
    port: int

    @property
    def probe_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # nosec B104  # noqa: S104


def address(port: int) -> Address:
    return Address(os.environ.get("HOST", "127.0.0.1"), port)


def given(name: str) -> bool:
    return bool(os.environ.get(name))


def of_children(place: Place, *, port: int, development: bool) -> dict[str, str]:
    """Our own environment, in development with everything filled in that was not given."""
    shared = {
        **os.environ,
        "PORT": str(port),
        "PYTHONUNBUFFERED": "1",
        "REMAP_SIGTERM": "SIGQUIT",  # a Celery worker told to stop gives its work back instead of finishing it
    }
    if not development:
        return shared
    defaults = {
        "PYTHONWARNINGS": NO_NEWS,
        "PUBLIC_URL": f"http://localhost:{port}",
        "DATABASE_URL": place.database_url,
        "CELERY_BROKER_URL": place.broker_url,
        "SECRET_KEY": kept_secret(place.environment_file),
    }
    missing = {name: value for name, value in defaults.items() if not given(name)}
    return {**shared, "ENVIRONMENT": "development", **missing}


def kept_secret(file: Path) -> str:
    """The key of the runs before, so that sessions and tokens outlive a restart; else a new one."""
    found = SECRET_LINE.search(file.read_text()) if file.is_file() else None
    return found.group(1) if found else secrets.token_urlsafe(50)


def write(file: Path, environment: Mapping[str, str]) -> None:
    """Write what the settings of a second terminal need, readable by us alone."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with open(unfinished, "x", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as output:
        output.writelines(f"{name}='{environment[name]}'\n" for name in KEPT)
    unfinished.replace(file)
