"""Files arrive whole over lines that break, and are kept only when they are what was promised."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from config.client import downloads
from config.client.documents import file_name
from config.client.outcomes import Exit
from datafiles.models import DataFile
from hypermedia.links import href
from tests.api.world import stored_set
from tests.client.conftest import Ended
from tests.client.relay import Relay

SIZE = 3_000_000
CONTENT = random.Random(1).randbytes(SIZE)  # noqa: S311  # no secret
Start = Callable[..., Ended]


@pytest.fixture
def address(somebody: User) -> str:
    return href(f"datafilesets/{stored_set(somebody, CONTENT).code}")


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.client.downloads.time.sleep", lambda _: None)


def the_file() -> DataFile:
    return DataFile.objects.get()


def test_file_arrives(run: Start, address: str, tmp_path: Path) -> None:
    ended = run(lambda command: command.watch(address, tmp_path / "new" / "folder"))
    (path,) = ended.paths
    assert (ended.code, path.read_bytes()) == (Exit.DONE, CONTENT), ended.said
    assert path.name == f"{the_file().code}.ndjson"
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_fetched_without_a_folder(run: Start, address: str) -> None:
    ended = run(lambda command: command.watch(address, None))
    assert (ended.code, ended.paths) == (Exit.DONE, [])


def test_broken_lines_cost_only_what_was_on_them(run: Start, relay: Relay, address: str, tmp_path: Path) -> None:
    relay.cut_after = SIZE // 4
    ended = run(lambda command: command.watch(address, tmp_path))
    assert (ended.code, ended.paths[0].read_bytes()) == (Exit.DONE, CONTENT), ended.said
    assert "The line broke" in ended.said
    assert relay.carried < SIZE * 1.1


def test_a_later_run_goes_on_where_this_one_ended(
    run: Start, relay: Relay, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MOST_BREAKS", 1)
    relay.cut_after = SIZE // 2
    ended = run(lambda command: command.watch(address, tmp_path))
    assert (ended.code, ended.paths) == (Exit.UNREACHABLE, [])
    assert "the same command goes on from there" in ended.said
    relay.cut_after, relay.carried = None, 0
    ended = run(lambda command: command.watch(address, tmp_path))
    assert (ended.code, ended.paths[0].read_bytes()) == (Exit.DONE, CONTENT), ended.said
    assert relay.carried < SIZE * 0.6
    assert len(list(tmp_path.iterdir())) == 1


def left_behind(folder: Path, content: bytes, tag: str) -> None:
    partial = folder / f".{the_file().sha256}.part"
    partial.write_bytes(content)
    partial.with_suffix(".tag").write_text(tag)


def test_bytes_of_another_version_are_dropped(run: Start, address: str, tmp_path: Path) -> None:
    left_behind(tmp_path, b"other", '"another"')
    ended = run(lambda command: command.watch(address, tmp_path))
    assert (ended.code, ended.paths[0].read_bytes()) == (Exit.DONE, CONTENT), ended.said


def test_more_bytes_than_there_are_begin_anew(run: Start, address: str, tmp_path: Path) -> None:
    left_behind(tmp_path, CONTENT + b"more", f'"{the_file().sha256}"')
    ended = run(lambda command: command.watch(address, tmp_path))
    assert (ended.code, ended.paths[0].read_bytes()) == (Exit.DONE, CONTENT), ended.said


def test_wrong_bytes_are_not_kept(run: Start, address: str, tmp_path: Path) -> None:
    left_behind(tmp_path, b"wrong", f'"{the_file().sha256}"')
    ended = run(lambda command: command.watch(address, tmp_path))
    assert ended.code == Exit.CHECKSUM
    assert "arrived with SHA-256" in ended.said
    assert list(tmp_path.iterdir()) == []
    assert run(lambda command: command.watch(address, tmp_path)).code == Exit.DONE


def test_another_file_of_that_name_stays(run: Start, address: str, tmp_path: Path) -> None:
    target = tmp_path / f"{the_file().code}.ndjson"
    target.write_text("mine")
    ended = run(lambda command: command.watch(address, tmp_path))
    assert (ended.code, target.read_text()) == (Exit.LOCAL, "mine")
    target.unlink()
    assert run(lambda command: command.watch(address, tmp_path)).code == Exit.DONE
    assert run(lambda command: command.watch(address, tmp_path)).code == Exit.DONE  # the same once more


def test_folder_that_is_none(run: Start, address: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = run(lambda command: command.watch(address, tmp_path / "file"))
    assert ended.code == Exit.LOCAL
    assert f"{tmp_path / 'file'}: File exists" in ended.said


def test_content_that_expired(run: Start, address: str, tmp_path: Path) -> None:
    DataFile.objects.update(removed_at="2024-01-01T00:00:00Z")
    ended = run(lambda command: command.watch(address, tmp_path))
    assert ended.code == Exit.REFUSED
    assert "1 of 1 files cannot be read" in ended.said


def test_line_that_only_drips_counts_as_broken(
    run: Start, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "STALL_SECONDS", -1.0)
    monkeypatch.setattr(downloads, "STALL_BYTES", SIZE)
    monkeypatch.setattr(downloads, "MOST_BREAKS", 1)
    ended = run(lambda command: command.watch(address, tmp_path))
    assert ended.code == Exit.UNREACHABLE


def test_name_of_the_file_cannot_leave_the_folder() -> None:
    def name(disposition: str) -> Any:
        return file_name({"Content-Disposition": disposition}, "http://x/set/code/data")

    assert name('attachment; filename="../../etc/one.ndjson"') == "one.ndjson"
    assert name(r'attachment; filename="..\..\etc\one.ndjson"') == "one.ndjson"
    assert name('attachment; filename=".bashrc"') == "bashrc"
    assert name('attachment; filename=".."') == "code"
