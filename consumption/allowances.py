"""Which limits a user may read and export: all of them, unless there is a list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from consumption.models import Limit, LimitAllowance
from hypermedia.database import row

_IDS = """
    SELECT ARRAY(SELECT limit_id FROM consumption_limitallowance_limits WHERE limitallowance_id = allowance.id)
      FROM consumption_limitallowance AS allowance WHERE user_id = %s
"""


def allowed_ids(user_id: int) -> list[int] | None:
    """The ids of the limits on the user's list; None: there is no list, so all of them."""
    found = row(_IDS, [user_id])
    return None if found is None else list(found[0])


def only_allowed(rows: QuerySet[Any], path: str, user_id: int) -> QuerySet[Any]:
    """The rows whose limit, found at `path`, the user may see."""
    ids = allowed_ids(user_id)
    return rows if ids is None else rows.filter(**{f"{path}__in": ids})


def allowed_limits(user_id: int) -> QuerySet[Limit]:
    """The limits that the user may read and export; one statement, list and limits together."""
    theirs = LimitAllowance.objects.filter(user_id=user_id)
    return Limit.objects.filter(~Exists(theirs) | Exists(theirs.filter(limits=OuterRef("pk"))))


def allowed_codes(user_id: int, codes: Iterable[str] | None) -> list[str] | None:
    """Of these limit codes, or of all, those that the user may export; None: all there are, whichever they will be."""
    ids = allowed_ids(user_id)
    if ids is None:
        return None if codes is None else list(codes)
    allowed = Limit.objects.filter(pk__in=ids)
    return list((allowed if codes is None else allowed.filter(code__in=list(codes))).values_list("code", flat=True))


@transaction.atomic
def allow(*, user_id: int, limits: Collection[Limit] | None) -> None:
    """Gives the user a list of these limits, or takes the list away, which allows all."""
    if limits is None:
        LimitAllowance.objects.filter(user_id=user_id).delete()
        return
    allowance, _made = LimitAllowance.objects.get_or_create(user_id=user_id)
    allowance.limits.set(limits)
