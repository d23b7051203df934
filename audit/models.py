"""The trail: one row for each act that changed something or read data, kept by the database against everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.contrib.auth.models import User
from django.db import connection, models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Now

_ACTIONS = """
    WITH RECURSIVE known (action) AS (
        SELECT min(action) FROM audit_entry
         UNION ALL
        SELECT (SELECT min(action) FROM audit_entry WHERE action > known.action)
          FROM known WHERE known.action IS NOT NULL
    )
    SELECT action FROM known WHERE action IS NOT NULL
"""


class EntryQuerySet(models.QuerySet["Entry"]):
    def with_username(self) -> Self:
        """Each entry with `username`, None when the user is gone: an entry keeps the id alone, which never changes."""
        return self.annotate(username=Subquery(User.objects.filter(pk=OuterRef("user_id")).values("username")))

    def actions(self) -> list[str]:
        """Every action that the trail knows, read off its index: a DISTINCT would read the whole trail."""
        with connection.cursor() as cursor:
            cursor.execute(_ACTIONS)
            return [action for (action,) in cursor.fetchall()]

    def forget(self, *, older_than: timedelta, limit: int = 5000) -> int:
        """Removes what was kept long enough, the oldest first; how many. The database refuses entries under 30 days."""
        old = self.filter(at__lt=Now() - older_than).order_by("at").values("pk")[:limit]
        return self.filter(pk__in=old).delete()[0]


class Entry(models.Model):
    """Who (`user_id`), what (`action` on `subject`), when, from where, with which result.

    `action` is a word of ours ("operation.start") or a method with its route ("POST notificationendpoints/<id>/test");
    `subject` is the address below `/api/`, or the console's; `status` is the answer's, where there was one. `detail`
    holds what an operator has to know besides, a reason for one: never data of persons, never a secret.
    """

    class Result(models.TextChoices):
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"

    at = models.DateTimeField(db_default=Now(), editable=False)
    user_id = models.BigIntegerField(null=True, editable=False)  # no foreign key: the entry outlives the user
    action = models.CharField(max_length=120, editable=False)
    subject = models.CharField(max_length=200, blank=True, editable=False)
    result = models.CharField(max_length=7, choices=Result.choices, default=Result.DONE, editable=False)
    status = models.PositiveSmallIntegerField(null=True, editable=False)
    address = models.GenericIPAddressField(null=True, editable=False)
    request_id = models.CharField(max_length=64, blank=True, editable=False)
    detail = models.JSONField(default=dict, blank=True, editable=False)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["at"], name="entry_at"),
            models.Index(fields=["user_id", "id"], name="entry_of_user"),
            models.Index(fields=["action", "id"], name="entry_of_action"),
            # By the beginning of a subject as well, whatever the database's collation.
            models.Index(
                fields=["subject", "id"], name="entry_of_subject", opclasses=["varchar_pattern_ops", "int8_ops"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
