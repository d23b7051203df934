"""The files of a set become a ZIP in it, and the other way round. All or nothing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol

from datafiles import archives, media, services, storage
from datafiles.models import DataFileSet
from datafiles.services import Check, NewFile, changing
from datafiles.storage import Published
from hypermedia.errors import Conflict


class Upload(Protocol):
    """A ZIP that is written, but not yet published."""

    def publish(self) -> Published: ...


def pack(*, found: DataFileSet, user_id: int, check: Check) -> None:
    """One ZIP in the place of all files. Raises Conflict when there are none, or the set changed meanwhile."""
    files = found.present()
    if not files:
        raise Conflict("The set holds no content that could be zipped.")
    with storage.stage() as staged:
        for block in archives.packed(files):
            staged.write(block)
        published = staged.publish(row_count=None)
    made = NewFile(description=f"ZIP of {len(files)} files", media_type=media.ZIP, published=published)
    with storage.removed_on_error(published):
        _replace("data.zip", found, [file.pk for file in files], [made], user_id, check)


def unpack(*, found: DataFileSet, user_id: int, check: Check) -> None:
    """In the place of all ZIPs the files that are in them. Raises Conflict; RuleBroken for what a ZIP may not hold."""
    zips = [file for file in found.present() if file.media_type == media.ZIP]
    if not zips:
        raise Conflict("The set holds no ZIP that could be unzipped.")
    with ExitStack() as stack:
        files = [made for file in zips for made in stack.enter_context(archives.extracted(str(file.storage_key)))]
        _replace("data.unzip", found, [file.pk for file in zips], files, user_id, check)


def unpack_upload(*, found: DataFileSet, upload: Upload, user_id: int, check: Check) -> None:
    """The files that are in an uploaded ZIP, added to the set. The ZIP itself is not kept."""
    published = upload.publish()
    try:
        with (
            archives.extracted(published.key) as files,
            changing("data.upload", set_id=found.pk, user_id=user_id, check=check) as changed,
        ):
            services.add_files(changed, files)
    finally:
        services.drop([published.key])


def _replace(action: str, found: DataFileSet, old: list[int], new: list[NewFile], user_id: int, check: Check) -> None:
    def unchanged(version: int) -> None:
        check(version)
        if version != found.version:
            raise Conflict("The set was changed meanwhile; look at it and ask again.")

    with changing(action, set_id=found.pk, user_id=user_id, check=unchanged, destroys=True) as changed:
        services.remove_files(changed, old)
        services.add_files(changed, new)
