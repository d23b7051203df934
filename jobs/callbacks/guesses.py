"""Against guessing passwords: whoever fails too often, for one name from one address, is not looked at for a while.

Only a password that has to be hashed is counted and refused; one that was verified in the last minute costs nothing
here. A name is locked only for the address that failed, so that nobody can lock out a user from elsewhere. All
processes count together, in rows that say neither name nor address: people type passwords where a name belongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from jobs.callbacks.models import WrongPasswords

_AT_ONCE = 10_000  # rows
_LOOK = """
    SELECT number, ceil(extract(epoch FROM until - now()))::int FROM callbacks_wrongpasswords
     WHERE key = %s AND until > now()
"""
_COUNT = """
    INSERT INTO callbacks_wrongpasswords AS known (key, number, until)
    VALUES (%s, 1, now() + %s * interval '1 second')
    ON CONFLICT (key) DO UPDATE SET
        number = CASE WHEN known.until > now() THEN known.number + 1 ELSE 1 END,
        until = CASE WHEN known.until > now() THEN known.until ELSE excluded.until END
"""


@dataclass(frozen=True)
class Guesses:
    """What was tried for a name from an address. `API_LOGIN_FAILURES` are borne within `LOGIN_LOCK` of the first one;
    then there are no more until that is over."""

    key: str
    number: int
    left: int

    @property
    def seconds_to_wait(self) -> int:
        """0, or how long the name is locked for the address."""
        return self.left if self.number >= settings.API_LOGIN_FAILURES else 0

    def failed(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [self.key, settings.LOGIN_LOCK.total_seconds()])

    def succeeded(self) -> None:
        if self.number:
            WrongPasswords.objects.filter(key=self.key).delete()


def guesses(name: str, address: str | None) -> Guesses:
    key = sha256(f"{name}\x00{address}".encode("utf-8", "surrogatepass")).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, [key])
        number, left = cursor.fetchone() or (0, 0)
    return Guesses(key, number, left)


def forget() -> int:
    """Removes a bounded number of those that lock nobody out any more; how many."""
    over = WrongPasswords.objects.filter(until__lte=Now()).values_list("pk", flat=True)
    removed, _ = WrongPasswords.objects.filter(pk__in=list(over[:_AT_ONCE])).delete()
    return removed
