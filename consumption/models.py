"""Limits, their counters, the insert-only ledger of consumptions, and the operations that read it.

Everything that an export prints is insert-only; triggers in the first migration hold that against everybody.
A counter's total is a SUM over the ledger; `CounterPeriod.total` is only a cache for questions asked online.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast, Now

from consumption.fields import CurrentTransactionId, LedgerNow, SnapshotField, TransactionIdField
from jobs.models import Operation


class Limit(models.Model):
    """What is limited, in which unit, and over which period. Code, type and currency never change."""

    class Type(models.TextChoices):
        AMOUNT = "AMOUNT"
        UNITS = "UNITS"
        SERVICE_DAYS = "SERVICE_DAYS"

    class Reference(models.TextChoices):
        CALENDAR_YEAR = "CALENDAR_YEAR"
        PLAN_YEAR = "PLAN_YEAR"
        ANNUAL = "ANNUAL"
        SLIDING_WINDOW = "SLIDING_WINDOW"
        LIFETIME = "LIFETIME"
        FIRST_CLAIM = "FIRST_CLAIM"

    code = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200, blank=True)
    type = models.CharField(max_length=12, choices=Type.choices)
    currency = models.CharField(max_length=3, blank=True, help_text="ISO 4217; for amounts only")
    reference = models.CharField(max_length=14, choices=Reference.choices)
    plan_year_start = models.CharField(
        max_length=5, blank=True, help_text="month and day, like 07-01; for plan years only"
    )
    maximum = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True, help_text="how much one period allows; empty: not known"
    )

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(type="AMOUNT") & Q(currency__regex=r"^[A-Z]{3}$")) | (~Q(type="AMOUNT") & Q(currency="")),
                name="limit_currency_with_amounts",
            ),
            models.CheckConstraint(
                condition=(
                    (Q(reference="PLAN_YEAR") & Q(plan_year_start__regex=r"^[01][0-9]-[0-3][0-9]$"))
                    | (~Q(reference="PLAN_YEAR") & Q(plan_year_start=""))
                ),
                name="limit_plan_year_start",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class LimitAllowance(models.Model):
    """The only limits that a user may read or export. Nobody's list: all of them; an empty one: none."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    limits = models.ManyToManyField(Limit, blank=True, related_name="+")

    def __str__(self) -> str:
        return f"limits of {self.user}"


class TransactionSource(models.Model):
    """Where a consumption comes from. The code never changes."""

    code = models.CharField(max_length=60, unique=True)
    description = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Counter(models.Model):
    """What one person, or one family, has used of a limit. Insert-only."""

    class Level(models.TextChoices):
        PERSON = "PERSON"
        FAMILY = "FAMILY"

    limit = models.ForeignKey(Limit, on_delete=models.PROTECT, related_name="counters", db_index=False)
    aggregation_level = models.CharField(max_length=6, choices=Level.choices)
    person_code = models.CharField(max_length=60, null=True)
    family_code = models.CharField(max_length=60, null=True)
    first_use = models.DateField(null=True, help_text="annual limits only: where the counter's years begin")

    class Meta:
        indexes = [
            models.Index(fields=["person_code", "id"], name="counter_person"),
            models.Index(fields=["family_code", "id"], name="counter_family"),
            models.Index(fields=["limit", "id"], name="counter_of_limit"),
            models.Index(fields=["aggregation_level", "id"], name="counter_level"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["limit", "person_code"], name="counter_of_person"),
            models.UniqueConstraint(fields=["limit", "family_code"], name="counter_of_family"),
            models.CheckConstraint(
                condition=(
                    Q(aggregation_level="PERSON", person_code__isnull=False, family_code__isnull=True)
                    | Q(aggregation_level="FAMILY", person_code__isnull=True, family_code__isnull=False)
                ),
                name="counter_person_or_family",
            ),
        ]

    def __str__(self) -> str:
        return f"counter {self.pk}"


class CounterPeriod(models.Model):
    """A counter's period. Only `total` may change: a running sum for online reads, never exported."""

    counter = models.ForeignKey(Counter, on_delete=models.PROTECT, related_name="periods", db_index=False)
    start_date = models.DateField()
    end_date = models.DateField(null=True, help_text="empty: for life")
    total = models.DecimalField(max_digits=20, decimal_places=4, default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["counter", "start_date"], name="counter_period_start")]

    def __str__(self) -> str:
        return f"counter {self.counter_id} from {self.start_date}"


class InputFile(models.Model):
    """A file that consumptions came from, known by its content: what makes the same file do nothing a second time."""

    sha256 = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.sha256


class Consumption(models.Model):
    """One signed entry of the ledger. Never changed, never deleted; a correction or withdrawal is a new entry.

    What it refers to is never deleted either, and only `posting` writes entries, from rows that it joined: so the
    database need not look each reference up once more, which took a quarter of an import's time.
    """

    limit = models.ForeignKey(Limit, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    counter_period = models.ForeignKey(
        CounterPeriod, on_delete=models.PROTECT, related_name="consumptions", db_constraint=False
    )
    transaction_id = TransactionIdField(db_default=CurrentTransactionId(), editable=False)
    transaction_datetime = models.DateTimeField(db_default=LedgerNow(), editable=False)
    service_date = models.DateField()
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    number_of_units = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    provider_code = models.CharField(max_length=60, null=True)
    external_id = models.CharField(max_length=100, null=True)
    transaction_source = models.ForeignKey(
        TransactionSource, on_delete=models.PROTECT, related_name="+", null=True, db_index=False, db_constraint=False
    )
    reference_code = models.CharField(max_length=100, null=True)
    description = models.TextField(null=True)
    withdrawn = models.BooleanField(default=False)
    # Of entries without an external id that came from a file: nothing else tells them apart when it comes again.
    input_file = models.ForeignKey(
        InputFile, on_delete=models.PROTECT, related_name="+", null=True, db_index=False, db_constraint=False
    )
    input_line = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["limit", "transaction_datetime", "id"], name="consumption_window"),
            # Rows lie in the order of these ids, near enough. BRIN has no operators for xid8, hence the cast.
            BrinIndex(
                Cast(Cast("transaction_id", models.TextField()), models.BigIntegerField()),
                name="consumption_written",
                autosummarize=True,
            ),
            models.Index(fields=["transaction_datetime", "id"], name="consumption_moment"),
            # For searches; what they cost an import: docs/performance.md.
            models.Index(fields=["limit", "id"], name="consumption_of_limit"),
            models.Index(fields=["transaction_source", "id"], name="consumption_of_source"),
            models.Index(fields=["service_date", "id"], name="consumption_service_date"),
            models.Index(fields=["id"], name="consumption_withdrawn", condition=Q(withdrawn=True)),
        ]
        constraints = [
            # The id first: it tells nearly all apart, and is what somebody asks who knows nothing else.
            models.UniqueConstraint(
                fields=["external_id", "limit", "transaction_source"],
                condition=Q(external_id__isnull=False),
                nulls_distinct=False,
                name="consumption_external_id",
            ),
            models.UniqueConstraint(
                fields=["input_file", "input_line"],
                condition=Q(input_file__isnull=False),
                name="consumption_input_line",
            ),
        ]

    def __str__(self) -> str:
        return f"consumption {self.pk}"


class LedgerCluster(models.Model):
    """The database cluster whose transaction ids the ledger carries. In another cluster they mean nothing."""

    system_identifier = models.CharField(max_length=20)
    adopted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.system_identifier


class ExportFormat(models.TextChoices):
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class Compression(models.TextChoices):
    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


class ExportSeriesQuerySet(models.QuerySet["ExportSeries"]):
    def at(self, moment: datetime | None) -> Self:
        """The series while its last completed export is the one of that snapshot; None: while it has none."""
        return self.filter(snapshot_at__isnull=True) if moment is None else self.filter(snapshot_at=moment)


class ExportSeries(models.Model):
    """Exports that continue each other; `snapshot` is that of the last one that completed."""

    snapshot = SnapshotField(null=True)
    snapshot_at = models.DateTimeField(null=True)

    objects = ExportSeriesQuerySet.as_manager()

    def __str__(self) -> str:
        return f"series {self.pk}"

    @property
    def is_lost(self) -> bool:
        """A restore into another cluster made the snapshot meaningless (`adopt_ledger`)."""
        return self.snapshot is None and self.snapshot_at is not None


class ReadConsumptionBatch(Operation):
    """An export: which window, which limits, and the one snapshot that all of it came from."""

    transaction_start = models.DateTimeField()
    transaction_end = models.DateTimeField()
    limit_codes = ArrayField(models.CharField(max_length=60), null=True, help_text="empty: all limits")
    format = models.CharField(max_length=8, null=True, choices=ExportFormat.choices)
    compression = models.CharField(max_length=5, null=True, choices=Compression.choices)
    data_file_set = models.ForeignKey("datafiles.DataFileSet", on_delete=models.PROTECT, null=True, related_name="+")
    snapshot = SnapshotField(null=True)
    snapshot_at = models.DateTimeField(null=True)
    series = models.ForeignKey(ExportSeries, on_delete=models.PROTECT, null=True, related_name="exports")
    since_snapshot = SnapshotField(null=True, help_text="only entries that this earlier snapshot did not see")
    since_snapshot_at = models.DateTimeField(null=True)

    class Meta(Operation.Meta):
        verbose_name = "export"
        indexes = [
            *Operation.Meta.indexes,
            models.Index(fields=["transaction_start", "id"], name="read_batch_start"),
            models.Index(fields=["transaction_end", "id"], name="read_batch_end"),
            models.Index(fields=["created_by", "transaction_start", "id"], name="read_batch_own_start"),
            models.Index(fields=["created_by", "transaction_end", "id"], name="read_batch_own_end"),
            models.Index(fields=["status", "transaction_start", "id"], name="read_batch_status_start"),
            models.Index(fields=["status", "transaction_end", "id"], name="read_batch_status_end"),
            GinIndex(fields=["limit_codes"], name="read_batch_limits"),
            models.Index(fields=["id"], name="read_batch_all_limits", condition=Q(limit_codes=None)),
        ]
        permissions = [("start_export", "Can start exports from the console")]

    def __str__(self) -> str:
        return f"export {self.pk}"


class WriteConsumptionBatch(Operation):
    """Consumptions that come in as files. `input_set` is locked while `holds_set`; the rows that break a rule go into
    `data_file_set`. The counts are those of the last attempt, but `rows_applied` adds up over all of them."""

    input_set = models.ForeignKey("datafiles.DataFileSet", on_delete=models.PROTECT, related_name="+")
    holds_set = models.BooleanField(default=False)
    data_file_set = models.ForeignKey("datafiles.DataFileSet", on_delete=models.PROTECT, null=True, related_name="+")
    rows_read = models.BigIntegerField(default=0)
    rows_applied = models.BigIntegerField(default=0)
    rows_rejected = models.BigIntegerField(default=0)

    class Meta(Operation.Meta):
        verbose_name = "import"

    def __str__(self) -> str:
        return f"import {self.pk}"
