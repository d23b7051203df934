"""The private PostgreSQL of a clone: only its programs `initdb` and `postgres`, over a socket, never a port."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded import process, programs
from config.embedded.place import Place
from config.embedded.process import ServiceError

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "log_line_prefix": "%m ",
    "log_checkpoints": "off",
    # A failed statement holds the values that it was made for, and DETAIL the row that broke a constraint.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
START_SECONDS = 60  # after a crash the log is replayed first


def start(place: Place, *, durable: bool = True) -> subprocess.Popen[bytes]:
    """Start the server, on the first run with a new cluster, and wait until it answers.

    `durable=False` is for data that nobody will miss: it does not wait for the disk.

    Raises:
        ServiceError: the data folder cannot be used, or the server did not start.
    """
    folder = programs.postgres(place)
    if not is_initialised(place.cluster, major_version(folder)):
        initialise(place, folder, durable=durable)
    settings = SETTINGS | ({} if durable else HASTY)
    log = place.log("postgres")
    said_before = log.stat().st_size if log.exists() else 0
    server = process.start(
        [folder / "postgres", "-D", place.cluster, "-k", place.sockets, *flags(settings)],
        log=log,
        account=place.account,
        cwd=place.private,
        env=environment(),
        death_signal=signal.SIGQUIT,  # like a crash, but without a shutdown checkpoint to wait for
    )
    try:
        wait_until_ready(place, server, said_before)
        create_database(place)
    except BaseException:
        stop(server)
        raise
    return server


def stop(server: subprocess.Popen[bytes]) -> None:
    """End every session and the server; when the disk is too slow for that, leave the rest to the next start."""
    process.stop(server, (signal.SIGINT, 2.5), (signal.SIGQUIT, 1))


def is_initialised(cluster: Path, major: str) -> bool:
    """Whether `cluster` is one that this server can open; an empty or missing folder is none yet."""
    try:
        if not cluster.exists() or not any(cluster.iterdir()):
            return False
        found = (cluster / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise ServiceError(f"{cluster} is no data folder of PostgreSQL ({error.strerror}); {REMEDY}") from error
    if found != major:
        raise ServiceError(f"{cluster} was written by PostgreSQL {found}, this is PostgreSQL {major}; {REMEDY}")
    return True


REMEDY = "`make reset` starts afresh, without the data of before."


def major_version(folder: Path) -> str:
    argv = (str(folder / "postgres"), "--version")
    line = subprocess.run(argv, capture_output=True, text=True, check=False).stdout  # noqa: S603
    if found := re.search(r"\d+", line):
        return found.group()
    raise ServiceError(f"{folder / 'postgres'} does not run on this machine.")


def initialise(place: Place, folder: Path, *, durable: bool) -> None:
    """Make a cluster under another name first, so that an interrupted attempt is not taken for one."""
    unfinished = place.cluster.with_name("postgres.unfinished")
    for locale in locales(major_version(folder)):
        shutil.rmtree(unfinished, ignore_errors=True)
        result = subprocess.run(  # noqa: S603
            [
                *(folder / "initdb", "-D", unfinished, "--username=postgres", "--auth=trust", "--encoding=UTF8"),
                *locale,
                *([] if durable else ["--no-sync"]),
            ],
            cwd=place.private,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            **process.identity(place.account),
        )
        if result.returncode == 0:
            shutil.rmtree(place.cluster, ignore_errors=True)
            unfinished.rename(place.cluster)
            return
    raise ServiceError(f"A new database could not be made in {place.cluster}: {last_line(result.stderr)}")


def locales(major: str) -> list[list[str]]:
    """Byte order and Unicode character classes on any machine; older servers take what the machine has."""
    if int(major) >= 17:
        return [["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]]
    return [["--locale=C.UTF-8"], ["--locale=C"]]


def wait_until_ready(place: Place, server: subprocess.Popen[bytes], said_before: int) -> None:
    log = place.log("postgres")
    if not process.wait_until(lambda: server.poll() is not None or answers(place), START_SECONDS):
        raise ServiceError(f"PostgreSQL did not answer within {START_SECONDS} seconds; see {log}.")
    if server.poll() is not None:
        reason = last_line(log.read_bytes()[said_before:].decode(errors="replace"))
        raise ServiceError(f"PostgreSQL did not start on {place.cluster}: {reason} Log: {log}; {REMEDY}")


def answers(place: Place) -> bool:
    try:
        psycopg.connect(place.database_url_as("postgres", "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def create_database(place: Place) -> None:
    """Make the role and the database if they are missing. The role is no superuser, as in production."""
    with psycopg.connect(place.database_url_as("postgres", "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'tallyport'").fetchone():
            connection.execute(sql.SQL("CREATE ROLE tallyport LOGIN CREATEDB"))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tallyport'").fetchone():
            connection.execute(sql.SQL("CREATE DATABASE tallyport OWNER tallyport"))


def flags(settings: dict[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def environment() -> dict[str, str]:
    """Nothing of ours: PG* variables of the caller would change what the server does."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def last_line(output: str) -> str:
    """The line that says why: the last FATAL, PANIC or error, else the last at all."""
    ours = "the database system is starting up"  # the answer to our own question whether it is ready
    lines = [line.strip() for line in output.splitlines() if line.strip() and ours not in line]
    lines = lines or ["it said nothing"]
    reasons = [line for line in lines if re.search(r"FATAL|PANIC|error:", line)]
    line = (reasons or lines)[-1]
    return re.sub(r"^(but |.*?(FATAL|PANIC|error): +)", "", line).rstrip(".") + "."
