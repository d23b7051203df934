"""How many operations one client may have under way. Operators have no quota: they clear up, at night, in bulk."""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from psycopg.sql import SQL, Composable, Literal

from hypermedia.errors import TooMany
from hypermedia.readers import Reader, Role

RETRY_AFTER_SECONDS = 5
_LOCKS = 0x7A11  # the first half of our advisory locks' keys; the second one is the user

_ACTIVE = SQL(
    """
    (SELECT count(*) FROM (
        SELECT FROM jobs_task WHERE created_by_id = {user} AND status IN ('PENDING', 'PROCESSING') LIMIT {most}
    ) AS active) < {most}
    """
)


def most_active(reader: Reader) -> int | None:
    """How many operations of the reader may be under way at once; None: as many as you like."""
    return None if reader.has(Role.OPERATOR) else settings.ACTIVE_OPERATIONS_PER_CLIENT or None


def hold(*, user_id: int) -> None:
    """Until the transaction ends, nobody else starts an operation for this user.

    A statement of its own: the next one sees what whoever held the lock before has committed.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCKS, user_id])


def may_have_one_more(*, user_id: int, most: int | None) -> Composable:
    """The condition that fewer than `most` operations of the user are under way."""
    return SQL("true") if most is None else _ACTIVE.format(user=Literal(user_id), most=Literal(most))


def refusal(most: int | None) -> TooMany:
    text = f"{most} of your operations are under way, which is the most; wait until one has ended."
    return TooMany(text, retry_after=RETRY_AFTER_SECONDS)
