"""Keeping a set beyond its time, and letting it go. Whoever asks for it has the permission `hold_datafileset`."""

from __future__ import annotations

from django.db import transaction

from audit.services import record
from datafiles.errors import rule
from datafiles.models import DataFileSet
from hypermedia.errors import Conflict

_LONGEST = 200


def hold(*, set_id: int, user_id: int, reason: str) -> DataFileSet:
    """Nothing in the set expires, is deleted or replaced from now on. Raises RuleBroken without a reason, Conflict."""
    return _change("data.hold", set_id, user_id, reason, held=True)


def release(*, set_id: int, user_id: int, reason: str) -> DataFileSet:
    """What is past its time by now goes with the next purge. Raises RuleBroken without a reason, Conflict."""
    return _change("data.release", set_id, user_id, reason, held=False)


@transaction.atomic
def _change(action: str, set_id: int, user_id: int, reason: str, *, held: bool) -> DataFileSet:
    wanted = reason.strip()[:_LONGEST]
    if not wanted:
        raise rule("DAT-IP-DAFI-108", "Give a reason: who reads the trail wants to know why.")
    row = DataFileSet.objects.select_for_update().get(pk=set_id)
    if row.deleted_at is not None or row.held == held:
        raise Conflict(f"Data file set code {row.code} is {'held' if row.held else 'not held'} already, or deleted.")
    row.touch(user_id, hold_reason=wanted if held else "")
    record(action, user_id=user_id, subject=row.path, detail={"reason": wanted})
    return row
