"""Making and changing data file sets. Whatever changes a set holds its row's lock and raises its version."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.services import record
from datafiles import errors, storage
from datafiles.models import DataFile, DataFileSet, new_code
from datafiles.storage import Published, StorageError
from hypermedia.errors import ResultMessage, RuleBroken

logger = logging.getLogger(__name__)

MOST_FILES = 1000  # in one set
Check = Callable[[int], None]  # raises what speaks against changing a set at this version


@dataclass(frozen=True)
class Content:
    """A published file and how it is described to clients."""

    published: Published
    description: str
    media_type: str
    packed_media_type: str = ""  # of what a gzip or zstd file holds


@dataclass(frozen=True)
class NewFile:
    """A file to be: with content, or waiting for it."""

    code: str = field(default_factory=new_code)
    description: str = ""
    media_type: str = ""
    published: Published | None = None

    def values(self) -> dict[str, Any]:
        described = {"code": self.code, "description": self.description}
        return described | (content_values(self.published, self.media_type) if self.published else {})


def content_values(published: Published, media_type: str) -> dict[str, Any]:
    """The columns of a file that has these bytes."""
    return {
        "storage_key": published.key,
        "media_type": media_type,
        "content_length": published.content_length,
        "sha256": published.sha256,
        "row_count": published.row_count,
        "expires_at": timezone.now() + settings.DATA_FILES_RETENTION,
        "removed_at": None,
    }


@transaction.atomic(savepoint=False)
def store_set(
    *,
    owner_id: int,
    description: str,
    contents: Sequence[Content],
    snapshot_at: datetime | None = None,
    totals: Sequence[Mapping[str, Any]] = (),
) -> DataFileSet:
    """The rows of a set whose files are published already; call it in the transaction that makes them known."""
    data_file_set = DataFileSet.objects.create(
        description=description,
        created_by_id=owner_id,
        last_updated_by_id=owner_id,
        snapshot_at=snapshot_at,
        totals=list(totals),
    )
    data_file_set.stored_with = DataFile.objects.bulk_create(
        DataFile(
            data_file_set=data_file_set,
            description=content.description,
            media_type=content.media_type,
            packed_media_type=content.packed_media_type,
            storage_key=content.published.key,
            content_length=content.published.content_length,
            sha256=content.published.sha256,
            row_count=content.published.row_count,
            expires_at=Now() + settings.DATA_FILES_RETENTION,
        )
        for content in contents
    )
    return data_file_set


def create_set(*, owner_id: int, code: str | None, description: str, files: Sequence[NewFile]) -> DataFileSet:
    """A set of the owner's own. Raises RuleBroken for codes that exist."""
    _refuse_twins([file.code for file in files], lambda index: f"/dataFiles/{index}/code")
    with transaction.atomic():
        made = _insert_set(code or new_code(), description, owner_id)
        rows = [DataFile(data_file_set=made, **file.values()) for file in files]
        _refuse_same_names(rows)
        DataFile.objects.bulk_create(rows)
        record("data.create", user_id=owner_id, subject=made.path, detail={"files": len(rows)})
        return made


def _insert_set(code: str, description: str, owner_id: int) -> DataFileSet:
    try:
        with transaction.atomic():
            return DataFileSet.objects.create(
                code=code, description=description, created_by_id=owner_id, last_updated_by_id=owner_id
            )
    except IntegrityError as error:
        if not DataFileSet.objects.filter(code=code, deleted_at=None).exists():
            raise
        raise errors.set_exists(code) from error


def add_file(*, set_id: int, user_id: int, check: Check, file: NewFile) -> DataFile:
    """Raises RuleBroken for a code that exists in the set. The code of a file that was removed is free again."""
    with changing("data.add", set_id=set_id, user_id=user_id, check=check, file_code=file.code) as changed:
        [added] = add_files(changed, [file])
        return added


def add_files(changed: DataFileSet, files: Sequence[NewFile]) -> list[DataFile]:
    """Within `changing`. Raises RuleBroken."""
    present = list(changed.data_files.select_for_update())
    taken = {row.code for row in present if row.removed_at is None}
    if twins := [file.code for file in files if file.code in taken]:
        raise RuleBroken(*(errors.file_exists(code, "/code") for code in twins))
    _refuse_too_many(len(taken) + len(files))
    codes = {file.code for file in files}
    DataFile.objects.filter(pk__in=[row.pk for row in present if row.code in codes]).delete()
    rows = [DataFile(data_file_set=changed, **file.values()) for file in files]
    _refuse_same_names([*(row for row in present if row.removed_at is None), *rows])
    return DataFile.objects.bulk_create(rows)


def describe_file(*, data_file: DataFile, user_id: int, check: Check, description: str) -> None:
    set_id, code = data_file.data_file_set_id, data_file.code
    with changing("data.describe", user_id=user_id, check=check, set_id=set_id, file_code=code):
        data_file.description = description
        data_file.save(update_fields=["description"])


def put_content(*, data_file: DataFile, user_id: int, check: Check, published: Published, media_type: str) -> DataFile:
    """The file gets these bytes, in the place of those that it had. Raises RuleBroken, SetLocked, SetHeld."""
    set_id, code = data_file.data_file_set_id, data_file.code
    with changing("data.upload", user_id=user_id, check=check, set_id=set_id, file_code=code) as changed:
        current = changed.data_files.filter(pk=data_file.pk).first()
        if current is None or current.is_gone:
            raise errors.removed()
        if current.storage_key is not None:
            _refuse_held(changed)
            drop_bytes([current.storage_key])
        for name, value in content_values(published, media_type).items():
            setattr(current, name, value)
        current.creation_date = timezone.now()
        others = changed.data_files.filter(removed_at=None).exclude(pk=current.pk)
        _refuse_same_names([*others, current])
        current.save()
        return current


def delete_file(*, data_file: DataFile, user_id: int, check: Check) -> None:
    """Its bytes go; what is known of them stays with the set. A file that never had any goes altogether."""
    set_id, code = data_file.data_file_set_id, data_file.code
    with changing("data.delete", user_id=user_id, check=check, set_id=set_id, file_code=code, destroys=True) as changed:
        remove_files(changed, [data_file.pk])


def remove_files(changed: DataFileSet, ids: Iterable[int]) -> None:
    """Within `changing`."""
    rows = changed.data_files.filter(pk__in=list(ids))
    drop_bytes([row.storage_key for row in rows if row.storage_key is not None])
    rows.filter(content_length=None).delete()
    rows.filter(removed_at=None).update(removed_at=Now(), storage_key=None)


def delete_set(*, set_id: int, user_id: int, check: Check) -> None:
    """Everything in it goes; its address answers that it was deleted; its code is free."""
    with changing("data.delete", set_id=set_id, user_id=user_id, check=check, destroys=True) as changed:
        remove_files(changed, changed.data_files.values_list("pk", flat=True))
        changed.deleted_at = timezone.now()
        changed.save(update_fields=["deleted_at"])


@contextmanager
def changing(
    action: str, *, set_id: int, user_id: int, check: Check, file_code: str = "", destroys: bool = False
) -> Iterator[DataFileSet]:
    """The set, locked for a change that raises its version and leaves an entry in the audit trail.

    Raises Gone, Stale (by `check`), SetLocked, SetHeld.
    """
    with transaction.atomic():
        row = DataFileSet.objects.select_for_update().get(pk=set_id)
        refuse_unchangeable(row, destroys=destroys)
        check(row.version)
        yield row
        row.touch(user_id)
        record(action, user_id=user_id, subject=f"{row.path}/datafiles/{file_code}" if file_code else row.path)


def refuse_unchangeable(row: DataFileSet, *, destroys: bool = False) -> None:
    if row.deleted_at is not None:
        raise errors.deleted_set(row.code)
    if row.locked:
        raise errors.SetLocked(row.code)
    if destroys:
        _refuse_held(row)


def _refuse_held(row: DataFileSet) -> None:
    if row.held:
        raise errors.SetHeld(row.code)


def _refuse_too_many(count: int) -> None:
    if count > MOST_FILES:
        raise errors.rule("DAT-IP-DAFI-102", f"A set holds at most {MOST_FILES} files; these would be {count}.")


def _refuse_twins(codes: Sequence[str], pointer: Callable[[int], str]) -> None:
    _refuse_too_many(len(codes))
    twice = [index for index, code in enumerate(codes) if code in codes[:index]]
    if twice:
        raise RuleBroken(*(errors.file_exists(codes[index], pointer(index)) for index in twice))


def _refuse_same_names(rows: Sequence[DataFile]) -> None:
    """Two files that a download would call the same could neither lie in one folder nor in one ZIP."""
    seen: dict[str, str] = {}
    clashes = []
    for row in (row for row in rows if row.storage_key is not None):
        other = seen.setdefault(row.file_name.lower(), row.code)
        if other != row.code:
            text = f"Data file codes {other} and {row.code} would both be called {row.file_name}; rename one of them."
            clashes.append(ResultMessage("DAT-IP-DAFI-103", text, "/code"))
    if clashes:
        raise RuleBroken(*clashes)


def drop_bytes(keys: Sequence[str]) -> None:
    """The same once the transaction that forgets them is committed."""
    transaction.on_commit(lambda: drop(keys))


def drop(keys: Sequence[str]) -> None:
    """Removes bytes that no row knows. What the storage refuses now, the janitor removes later."""
    for key in keys:
        try:
            storage.delete(key)
        except StorageError as error:
            logger.warning("the bytes of a removed file are left to the janitor: %s", error)
