"""Which operation owns a locked set. Apps above this one know their operations and say so when they are ready."""

from __future__ import annotations

from typing import Protocol

from django.db import transaction

from audit.services import record
from datafiles.errors import deleted_set, rule
from datafiles.models import DataFileSet
from hypermedia.errors import Conflict

_LONGEST = 200


class Owners(Protocol):
    """The operations of one kind that lock sets."""

    def running(self, set_id: int) -> str | None:
        """What people call the operation that owns the set and has not ended, if there is one."""

    def forget(self, set_id: int) -> None:
        """None that has ended believes any more that the set is its own."""


_kinds: list[Owners] = []


def register(owners: Owners) -> None:
    _kinds.append(owners)


def owner_of(set_id: int) -> str | None:
    """The running operation that owns the set, as people call it."""
    return next((name for kind in _kinds if (name := kind.running(set_id))), None)


@transaction.atomic
def unlock(*, set_id: int, user_id: int, reason: str) -> DataFileSet:
    """Frees a set whose lock no running operation owns. Raises RuleBroken without a reason; Gone; Conflict when it is
    not locked, or owned."""
    wanted = reason.strip()[:_LONGEST]
    if not wanted:
        raise rule("DAT-IP-DAFI-108", "Give a reason: who reads the trail wants to know why.")
    row = DataFileSet.objects.select_for_update().get(pk=set_id)
    if row.deleted_at is not None:
        raise deleted_set(row.code)
    for kind in _kinds:
        kind.forget(row.pk)  # first: one that is restarted from here on locks the set itself
    if refusal := refusal_to_unlock(row):
        raise Conflict(refusal)
    row.touch(user_id, locked=False)
    record("data.unlock", user_id=user_id, subject=row.path, detail={"reason": wanted})
    return row


def refusal_to_unlock(row: DataFileSet) -> str | None:
    """Why the set cannot be unlocked now, in plain words."""
    if not row.locked:
        return f"Data file set {row.code} is not locked."
    if owner := owner_of(row.pk):
        return f"The {owner} is using data file set {row.code}. Wait until it ends, or cancel it: then the set is free."
    return None
