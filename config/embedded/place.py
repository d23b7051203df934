"""Where the private services of one clone live: its PostgreSQL, its broker, their sockets, logs and locks.

Only looks, never touches, and imports nothing but the standard library: the settings import it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# Folders of fixed names in shared places: folders.own() refuses one that another user put there.
RUNTIME = Path("/tmp")  # nosec B108  # noqa: S108  a socket's whole path may have 107 bytes, and TMPDIR may be long
SCRATCH = [Path("/var/tmp"), Path("/tmp"), Path("/var/lib")]  # nosec B108  # noqa: S108  the first that may hold programs


@dataclass(frozen=True)
class Account:
    """The user that runs the private services."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """Folders and addresses of one set of private services."""

    var: Path
    private: Path  # the services' data, and copies of their programs when they cannot reach the installed ones
    sockets: Path
    account: Account

    @property
    def link(self) -> Path:
        """Where `private` is found from the clone: a symbolic link when it lies elsewhere."""
        return self.var / "private"

    @property
    def cluster(self) -> Path:
        return self.private / "postgres"

    @property
    def broker_data(self) -> Path:
        return self.private / "broker"

    @property
    def broker_socket(self) -> Path:
        return self.sockets / "broker.sock"

    @property
    def database_url(self) -> str:
        """A libpq URL that django-environ reads too: both want the socket's folder as `host`."""
        return self.database_url_as("tallyport", "tallyport")

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.broker_socket}"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def lock(self) -> Path:
        """Locked (flock) by the one running `up`, and holds its process id."""
        return self.run / "up.lock"

    @property
    def environment_file(self) -> Path:
        return self.var / "development.env"

    @property
    def exports(self) -> Path:
        return self.var / "exports"

    def log(self, service: str) -> Path:
        return self.var / "log" / f"{service}.log"

    def database_url_as(self, user: str, database: str) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets), safe='/')}"


def of(base_dir: Path) -> Place:
    """The place of the clone in `base_dir`, the same for every process of one user."""
    base = base_dir.resolve()
    account = service_account()
    digest = hashlib.sha256(os.fsencode(base)).hexdigest()[:8]
    elsewhere = os.geteuid() == 0 or not open_to_all(base)
    return Place(
        var=base / "var",
        private=scratch() / f"tallyport-{readable_tail(base)}-{digest}" if elsewhere else base / "var" / "private",
        sockets=RUNTIME / f"tallyport-{account.uid}-{digest}",
        account=account,
    )


def throwaway(folder: Path) -> Place:
    """A place inside `folder`, a short path that `service_account()` can enter; for tests."""
    return Place(var=folder, private=folder / "private", sockets=folder / "sockets", account=service_account())


def service_account() -> Account:
    """Ourselves; `nobody` when we are root, because PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def open_to_all(folder: Path) -> bool:
    """Whether any user can walk down to `folder`."""
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


def scratch() -> Path:
    return next((folder for folder in SCRATCH if holds_programs(folder)), SCRATCH[0])


def holds_programs(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC


def readable_tail(base: Path) -> str:
    """The end of a path as part of a file name: `/home/ann/my app` gives `ann-my-app`."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "/".join(base.parts[-2:])).strip("-")[-40:]
