"""Data file sets and their files. A file's bytes lie in storage under a key that no client ever chose or sees."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Self
from urllib.parse import quote

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from datafiles import media


def new_code() -> str:
    """32 upper-case hex digits, as the seed prints them."""
    return uuid.uuid4().hex.upper()


class DataFileSetQuerySet(models.QuerySet["DataFileSet"]):
    def visible_to(self, reader: Any) -> Self:
        """Everything for operators and auditors, one's own for anybody else; what was deleted for nobody."""
        return self.filter(deleted_at=None).of(reader)

    def of(self, reader: Any) -> Self:
        """The same with the deleted ones."""
        return self if reader.sees_all else self.filter(created_by_id=reader.user_id)


class DataFileSet(models.Model):
    """A named set of files. `locked` while an operation owns it. `created_by` is its owner.

    `snapshot_at` is the time of the database snapshot that an export read. `totals` has one entry per limit code:
    `{"limitCode", "consumptions": n, "counters": n, "amount" | "numberOfUnits" | "serviceDays": exact decimal as a
    string, "currency"?, "firstTransactionDateTime"?, "lastTransactionDateTime"?}`. Both are for the manifest.

    With a `hold_reason` nothing of it expires or can be deleted. A deleted set stays as a row, so that its address can
    say so; its code is free again.
    """

    code = models.CharField(max_length=60, default=new_code)
    description = models.CharField(max_length=200, blank=True)
    locked = models.BooleanField(default=False)
    snapshot_at = models.DateTimeField(null=True, editable=False)
    totals = models.JSONField(default=list, db_default=models.Value([], models.JSONField()), editable=False)
    hold_reason = models.CharField(max_length=200, blank=True, db_default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    last_updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    version = models.PositiveIntegerField(default=1)
    creation_date = models.DateTimeField(db_default=Now(), editable=False)
    last_updated_date = models.DateTimeField(db_default=Now(), editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    objects = DataFileSetQuerySet.as_manager()

    stored_with: Sequence[DataFile] = ()  # its files, where the set was made a moment ago

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code"], name="set_code", condition=models.Q(deleted_at=None)),
        ]
        indexes = [
            models.Index(fields=["code", "id"], name="set_by_code"),
            models.Index(fields=["created_by", "id"], name="set_owner"),
            models.Index(fields=["created_by", "code", "id"], name="set_own_by_code"),
            models.Index(fields=["created_by", "creation_date", "id"], name="set_own_created"),
            models.Index(fields=["created_by", "last_updated_date", "id"], name="set_own_updated"),
            models.Index(fields=["creation_date", "id"], name="set_created"),
            models.Index(fields=["last_updated_date", "id"], name="set_updated"),
        ]
        permissions = [
            ("read_any_data", "Can read the content of other users' files"),
            ("hold_datafileset", "Can keep a set beyond its time, and let it go"),
            ("unlock_datafileset", "Can unlock a set that no running operation owns"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def path(self) -> str:
        """Its address below `/api/`."""
        return f"datafilesets/{quote(self.code, safe='')}"

    @property
    def held(self) -> bool:
        return bool(self.hold_reason)

    def file_codes(self) -> list[str]:
        """Of all that it has."""
        return [file.code for file in self.stored_with or self.data_files.all()]

    def present(self) -> list[DataFile]:
        """The files that can be read."""
        return [file for file in self.data_files.all() if file.has_content]

    def touch(self, user_id: int, **changes: Any) -> None:
        """Stores the changes; raises the version. The caller holds the row's lock."""
        for name, value in {**changes, "last_updated_by_id": user_id, "version": self.version + 1}.items():
            setattr(self, name, value)
        self.last_updated_date = timezone.now()
        self.save(update_fields=[*changes, "last_updated_by", "version", "last_updated_date"])


class DataFile(models.Model):
    """One file: what it is, and what was counted while it was written.

    Without a `storage_key` there are no bytes: not yet, or, with `removed_at`, no more.
    """

    data_file_set = models.ForeignKey(DataFileSet, on_delete=models.CASCADE, related_name="data_files")
    code = models.CharField(max_length=60, default=new_code)
    description = models.CharField(max_length=200, blank=True)
    storage_key = models.CharField(max_length=100, unique=True, null=True)
    media_type = models.CharField(max_length=100, blank=True)
    packed_media_type = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text="of what a gzip or zstd file holds"
    )
    content_length = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
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

    @property
    def is_gone(self) -> bool:
        """Deleted, or past its time, whether or not the purge has come by."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now() and not self.data_file_set.held
        return self.removed_at is not None or expired

    @property
    def has_content(self) -> bool:
        return self.storage_key is not None and not self.is_gone

    @property
    def file_name(self) -> str:
        """What a download is called: the code as far as any file system takes it, with the type's extension."""
        return media.file_name(self.code, self.media_type, self.packed_media_type)
