"""Where the private services of a clone live."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import environ
import pytest

from config.embedded import folders, place
from config.embedded.process import ServiceError
from config.supervisor import environment
from config.supervisor.logs import Tail
from tests.up.clones import Clone

SOCKET_BYTES = 107


def test_addresses_are_understood(tmp_path: Path) -> None:
    here = place.of(tmp_path)
    database = environ.Env.db_url_config(here.database_url)
    assert (database["NAME"], database["USER"]) == ("tallyport", "tallyport")
    assert database["OPTIONS"] == {"host": str(here.sockets)}
    assert here.broker_url == f"redis+socket://{here.broker_socket}"


def test_sockets_fit_however_long_the_path_is(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 40)
    long.mkdir()
    here = place.of(long)
    assert len(bytes(here.sockets / ".s.PGSQL.5432.lock")) <= SOCKET_BYTES


def test_each_clone_has_its_own_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = place.of(tmp_path / "a"), place.of(tmp_path / "b")
    assert first.private != second.private
    assert first.sockets != second.sockets
    assert place.of(tmp_path / "b" / ".." / "a") == first


def test_closed_folders_keep_data_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    here = place.of(tmp_path)
    assert not here.private.is_relative_to(tmp_path)
    assert place.readable_tail(tmp_path) in here.private.name


@pytest.mark.skipif(os.geteuid() == 0, reason="as root the data are always elsewhere")
def test_open_folders_keep_data_in_var() -> None:
    assert place.of(Path("/")).private == Path("/var/private")


def test_private_folder_is_linked_and_goes(clone: Clone) -> None:
    here = clone.place
    folders.prepare(here)
    assert here.link.resolve() == here.private
    for folder in (here.private, here.sockets):
        assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (here.account.uid, 0o700)
    folders.remove(here)
    assert not here.private.exists()
    assert not here.sockets.exists()
    assert not here.var.exists()


def test_link_of_a_moved_clone_is_renewed(clone: Clone) -> None:
    here = clone.place
    here.var.mkdir()
    here.link.symlink_to("/nowhere")
    folders.prepare(here)
    assert here.link.readlink() == here.private


def test_data_of_another_user_are_not_hidden(clone: Clone) -> None:
    clone.place.link.mkdir(parents=True)
    with pytest.raises(ServiceError, match="another user"):
        folders.prepare(clone.place)


def test_environment_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    here = place.throwaway(tmp_path)
    given = environment.of_children(here, port=9999, development=True)
    environment.write(here.environment_file, given)
    read: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", read)
    environ.Env.read_env(str(here.environment_file))
    assert read == {name: given[name] for name in environment.KEPT}
    assert read["PUBLIC_URL"] == "http://localhost:9999"
    assert here.environment_file.stat().st_mode & 0o777 == 0o600
    assert environment.of_children(here, port=1, development=True)["SECRET_KEY"] == given["SECRET_KEY"]


def test_environment_given_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = f"postgresql://tallyport:{secrets.token_hex()}@db.example/tallyport"
    monkeypatch.setenv("DATABASE_URL", given)
    assert environment.of_children(place.throwaway(tmp_path), port=1, development=True)["DATABASE_URL"] == given


def test_tail_shows_whole_lines_once(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    log.write_text("of the run before\n")
    tail = Tail("web", log, "cyan")
    with log.open("a") as output:
        output.write("first\nsec")
        output.flush()
        assert list(tail.new_lines()) == ["first"]
        output.write("ond\n")
    assert list(tail.new_lines()) == ["second"]
    assert not list(tail.new_lines())
