"""Data file sets and their files. A file's bytes lie in storage under a key that no client ever chose or sees."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


def new_code() -> str:
    """32 upper-case hex digits, as the seed prints them."""
    return uuid.uuid4().hex.upper()


class DataFileSetQuerySet(models.QuerySet["DataFileSet"]):
    def visible_to(self, reader: Any) -> Self:
        """Everything for operators and auditors, one's own for anybody else."""
        return self if reader.sees_all else self.filter(created_by_id=reader.user_id)


class DataFileSet(models.Model):
    """A named set of files. `locked` while an operation owns it. `created_by` is its owner.

    `snapshot_at` is the time of the database snapshot that an export read. `totals` has one entry per limit code:
    `{"limitCode", "consumptions": n, "counters": n, "amount" | "numberOfUnits" | "serviceDays": exact decimal as a
    string, "currency"?, "firstTransactionDateTime"?, "lastTransactionDateTime"?}`. Both are for the manifest.
    """

    code = models.CharField(max_length=60, unique=True, default=new_code)
    description = models.CharField(max_length=200, blank=True)
    locked = models.BooleanField(default=False)
    snapshot_at = models.DateTimeField(null=True, editable=False)
    totals = models.JSONField(default=list, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    last_updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    version = models.PositiveIntegerField(default=1)
    creation_date = models.DateTimeField(db_default=Now(), editable=False)
    last_updated_date = models.DateTimeField(db_default=Now(), editable=False)

    objects = DataFileSetQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["created_by", "id"], name="set_owner"),
            models.Index(fields=["creation_date", "id"], name="set_created"),
            models.Index(fields=["last_updated_date", "id"], name="set_updated"),
        ]
        permissions = [("read_any_data", "Can read the content of other users' files")]

    def __str__(self) -> str:
        return self.code


class DataFile(models.Model):
    """One file: what it is, and what was counted while it was written."""

    data_file_set = models.ForeignKey(DataFileSet, on_delete=models.CASCADE, related_name="data_files")
    code = models.CharField(max_length=60, default=new_code)
    description = models.CharField(max_length=200, blank=True)
    storage_key = models.CharField(max_length=100, unique=True)
    media_type = models.CharField(max_length=100)
    content_length = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    row_count = models.BigIntegerField(null=True)
    creation_date = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["data_file_set", "code"], name="data_file_code")]
        indexes = [
            models.Index(fields=["expires_at"], name="data_file_expiry", condition=models.Q(removed_at=None)),
        ]

    def __str__(self) -> str:
        return self.code
