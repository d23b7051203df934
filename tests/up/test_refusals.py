"""What cannot run says so in one line, with exit code 1."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from config.embedded import broker, folders, postgres, process
from config.embedded.process import ServiceError
from config.supervisor import checks, lock
from config.supervisor.environment import Address
from tests.up.clones import Clone


def refusal(clone: Clone, *arguments: str, **variables: str) -> str:
    """The one line that `up` says instead of running."""
    ended = clone.manage("up", "--once", *arguments, **variables)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


def test_port_in_use(clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", clone.port)):
        line = refusal(clone)
    assert f"Port {clone.port} of 127.0.0.1 cannot be used (address already in use)" in line


def test_database_that_does_not_exist(clone: Clone) -> None:
    missing = os.environ["DATABASE_URL"].replace("/tallyport?", "/missing?")
    assert 'database "missing" does not exist' in refusal(clone, DATABASE_URL=missing)


def test_broken_data_folder(clone: Clone) -> None:
    folders.prepare(clone.place)
    make_cluster(clone, "PG_VERSION", "12")
    line = refusal(clone)
    assert f"{clone.place.cluster} was written by PostgreSQL 12" in line
    assert "make reset" in line


def test_production_that_lacks_something(clone: Clone) -> None:
    assert "is not set" in refusal(clone, ENVIRONMENT="production")


def make_cluster(clone: Clone, name: str, content: str) -> None:
    """A data folder with one file in it."""
    folders.own(clone.place.cluster, clone.place.account)
    (clone.place.cluster / name).write_text(content)
    folders.give(clone.place.cluster, clone.place.account)


def test_data_folder_that_is_none(clone: Clone) -> None:
    folders.prepare(clone.place)
    make_cluster(clone, "notes.txt", "not a cluster")
    with pytest.raises(ServiceError, match="is no data folder of PostgreSQL"):
        postgres.is_initialised(clone.place.cluster, "18")


def test_data_folder_that_is_damaged(clone: Clone) -> None:
    folders.prepare(clone.place)
    postgres.stop(postgres.start(clone.place, durable=False))
    (clone.place.cluster / "global" / "pg_control").unlink()
    with pytest.raises(ServiceError, match=r"did not start on .*: could not open file .*pg_control"):
        postgres.start(clone.place)


def test_broker_data_that_is_damaged(clone: Clone) -> None:
    folders.prepare(clone.place)
    folders.own(clone.place.broker_data, clone.place.account)
    (clone.place.broker_data / "appendonlydir").write_text("a file, not a folder")
    with pytest.raises(ServiceError, match="The broker did not start"):
        broker.start(clone.place)


def test_no_place_for_data(clone: Clone) -> None:
    clone.place.var.write_text("a file, not a folder")
    with pytest.raises(ServiceError, match=r"var.* cannot be used: Not a directory\."), lock.held(clone.place.lock):
        pass


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_folder_that_others_can_enter(clone: Clone, mode: int) -> None:
    clone.place.sockets.mkdir()
    os.chown(clone.place.sockets, clone.place.account.uid, clone.place.account.gid)
    clone.place.sockets.chmod(mode)
    with pytest.raises(ServiceError, match="is not a folder of ours alone"):
        folders.prepare(clone.place)


def test_folder_that_leads_elsewhere(clone: Clone, tmp_path: Path) -> None:
    clone.place.sockets.symlink_to(tmp_path)
    with pytest.raises(ServiceError, match="is not a folder of ours alone"):
        folders.prepare(clone.place)


def test_it_already_runs(clone: Clone) -> None:
    with (
        lock.held(clone.place.lock),
        pytest.raises(ServiceError, match=rf"already runs here \(process {os.getpid()}\)"),
        lock.held(clone.place.lock),
    ):
        pass


def test_port_that_none_is() -> None:
    with pytest.raises(ServiceError, match="Port 70000 cannot be used"):
        checks.port_is_free(Address("127.0.0.1", 70000))


def test_broker_that_is_not_there() -> None:
    with pytest.raises(ServiceError, match=r"The broker at CELERY_BROKER_URL cannot be used: .* No such file"):
        checks.broker_is_there("redis+socket:///nowhere/broker.sock")


def test_program_that_is_not_there() -> None:
    with pytest.raises(ServiceError, match="no-such-program cannot be used: No such file"):
        process.start(["/nowhere/no-such-program"], log=None)
