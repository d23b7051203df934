"""How many operations one client may have under way. Operators have no quota: they clear up, at night, in bulk."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from hypermedia.errors import TooMany
from hypermedia.readers import Reader, Role

RETRY_AFTER_SECONDS = 5
_LOCKS = 0x7A11  # the first half of our advisory locks' keys; the second one is the user

# Two statements in one go: the second one counts what whoever held the lock before has committed.
_COUNT = """
    SELECT pg_advisory_xact_lock(%s, %s);
    SELECT count(*) FROM (
        SELECT FROM jobs_task WHERE created_by_id = %s AND status IN ('PENDING', 'PROCESSING') LIMIT %s
    ) AS active
"""


def most_active(reader: Reader) -> int | None:
    """How many operations of the reader may be under way at once; None: as many as you like."""
    return None if reader.has(Role.OPERATOR) else settings.ACTIVE_OPERATIONS_PER_CLIENT or None


def check(*, user_id: int, most: int | None) -> None:
    """Raises TooMany when `most` operations of the user are under way. Needs the transaction that starts one more:
    until its end nobody else starts one for this user."""
    if most is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [_LOCKS, user_id, user_id, most])
        cursor.nextset()
        [active] = cursor.fetchone()
    if active >= most:
        raise TooMany(
            f"{active} of your operations are under way, which is the most; wait until one has ended.",
            retry_after=RETRY_AFTER_SECONDS,
        )
