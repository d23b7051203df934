"""Make the folders of a place, and refuse one that somebody else could have put there."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from config.embedded.place import Account, Place
from config.embedded.process import ServiceError, file_errors_told


def prepare(place: Place) -> None:
    """Make what the services need: the private folder, its link, and the folder of the sockets.

    Raises:
        ServiceError: a folder cannot be made, or is not ours alone.
    """
    with file_errors_told():
        place.run.mkdir(parents=True, exist_ok=True)
        own(place.private, place.account)
        own(place.sockets, place.account)
        link(place)


def own(folder: Path, account: Account) -> None:
    """Make `folder`, closed to everybody but `account`; an existing one must be exactly that."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise ServiceError(f"{folder} is not a folder of ours alone: remove it, or run as the user it belongs to.")


def link(place: Place) -> None:
    """Let `var/private` point to the private folder, when that lies elsewhere."""
    if place.link == place.private or (place.link.is_symlink() and place.link.readlink() == place.private):
        return
    if place.link.is_symlink():
        place.link.unlink()  # the clone was moved or copied
    elif place.link.exists():
        raise ServiceError(f"{place.link} was made by another user: run as that user, or `make reset`.")
    place.link.symlink_to(place.private)


def give(folder: Path, account: Account) -> None:
    """Hand a whole tree over to `account`."""
    if account.uid == os.geteuid():
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def all_of(place: Place) -> list[Path]:
    """The folders that a place uses and that are there."""
    return [folder for folder in (place.private, place.sockets, place.var) if folder.exists() or folder.is_symlink()]


def remove(place: Place) -> None:
    """Remove all of it, data included.

    Raises:
        ServiceError: something cannot be removed.
    """
    with file_errors_told():
        for folder in all_of(place):
            if folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
            else:
                folder.unlink()
