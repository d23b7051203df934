"""The janitor removes what nobody knows and nobody still writes; everything else stays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from datafiles import retention, services, storage
from datafiles.services import Content
from datafiles.storage import Published, StorageError
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
HOUR = 3600.0


@pytest.fixture(autouse=True)
def storage_folder(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_FILES_DIR = tmp_path
    return tmp_path


def published(content: bytes = b"line\n") -> Published:
    with storage.stage() as staged:
        staged.write(content)
        return staged.publish(row_count=1)


def aged(key: str, hours: float, suffix: str = "") -> Path:
    """The file, as if it had been written so many hours ago."""
    path = (settings.DATA_FILES_DIR / key[:2] / key).with_suffix(suffix)
    then = time.time() - hours * HOUR
    os.utime(path, (then, then))
    return path


def known(one: Published) -> None:
    content = Content(one, "Export", "application/x-ndjson")
    services.store_set(owner_id=UserFactory.create().pk, description="Export", contents=[content])


def test_only_the_old_and_unknown_goes() -> None:
    lost = aged(published().key, 25)
    young = aged(published().key, 23)
    kept = published()
    known(kept)
    old = aged(kept.key, 1000)
    assert retention.tidy(older_than_seconds=24 * HOUR) == 1
    assert [path.exists() for path in (lost, young, old)] == [False, True, True]


def test_a_staged_file_goes_by_its_last_write() -> None:
    with storage.stage() as dead, storage.stage() as alive:
        dead.write(b"line\n")
        alive.write(b"line\n")
        gone, stays = aged(dead.key, 25, ".part"), aged(alive.key, 23, ".part")
        assert retention.tidy(older_than_seconds=24 * HOUR) == 1
        assert not gone.exists()
        assert stays.exists()
        alive.publish(row_count=1)


def test_a_failed_attempt_leaves_nothing() -> None:
    with pytest.raises(ZeroDivisionError), storage.stage() as staged:
        staged.write(b"line\n")
        _ = 1 // 0
    assert not [path for path in Path(settings.DATA_FILES_DIR).rglob("*") if path.is_file()]


def test_nobody_else_may_read_it() -> None:
    path = aged(published().key, 0)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one batch of them."""
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    for _ in range(7):
        aged(published().key, 25)
    known(published())
    assert retention.tidy(older_than_seconds=24 * HOUR) == 7


REFUSED: dict[str, Callable[[], object]] = {
    "a folder that cannot be made": lambda: storage.stage().__enter__(),
    "a file that is a folder": lambda: storage.delete("ab" * 16),
}


@pytest.mark.parametrize("case", REFUSED)
def test_every_refusal_is_explained(case: str, storage_folder: Path) -> None:
    if case == "a folder that cannot be made":
        storage_folder.rmdir()
        storage_folder.write_text("not a folder")
    else:
        (storage_folder / "ab" / ("ab" * 16)).mkdir(parents=True)
    with pytest.raises(StorageError, match="restart can help"):
        REFUSED[case]()
