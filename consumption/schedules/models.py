"""Exports that start by themselves, and what became of each time at which one was due."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from consumption.models import Compression, ExportFormat, ExportSeries, ReadConsumptionBatch
from consumption.schedules import cron
from consumption.schedules.windows import Window, WindowRule, window
from jobs.models import Technical

_UNPLANNED = timedelta(minutes=5)


class ExportScheduleQuerySet(models.QuerySet["ExportSchedule"]):
    def due(self, moment: datetime) -> Self:
        return self.filter(paused=False, next_run_at__lte=moment)

    def late(self) -> Self:
        """Due for so long that no planner can be there."""
        return self.due(timezone.now() - _UNPLANNED)


class ExportSchedule(Technical):
    """Which export starts when, and on whose behalf. `next_run_at` is the planner's: the first time not yet planned."""

    class Missed(models.TextChoices):
        SKIP = "SKIP", "skip them"
        ONE = "ONE", "run the latest"
        ALL = "ALL", "run each of them"

    name = models.CharField(max_length=100, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The exports are this user's, with this user's rights at that time",
    )
    limit_codes = ArrayField(models.CharField(max_length=60), null=True, blank=True, help_text="empty: all limits")
    window_rule = models.CharField("period", max_length=5, choices=WindowRule.choices)
    begin = models.DateTimeField(
        null=True, blank=True, help_text="Only for everything new: nothing from before this moment. Empty: everything"
    )
    cron = models.CharField(
        "times", max_length=100, help_text="Cron: minute, hour, day of the month, month, day of the week"
    )
    time_zone = models.CharField(max_length=60, help_text="Of the times, and of the days, weeks and months exported")
    format = models.CharField(max_length=8, blank=True, choices=ExportFormat.choices, help_text="empty: ndjson")
    compression = models.CharField(max_length=5, blank=True, choices=Compression.choices, help_text="empty: none")
    missed = models.CharField(
        "missed runs", max_length=4, choices=Missed.choices, default=Missed.ONE, help_text="After the service was down"
    )
    paused = models.BooleanField(default=False)
    next_run_at = models.DateTimeField(null=True, editable=False)
    series = models.OneToOneField(ExportSeries, on_delete=models.PROTECT, null=True, related_name="+", editable=False)

    objects = ExportScheduleQuerySet.as_manager()

    class Meta(Technical.Meta):
        ordering = ["name"]
        indexes = [models.Index(fields=["next_run_at"], name="schedule_due", condition=Q(paused=False))]
        permissions = [
            ("run_exportschedule", "Can run export schedules now"),
            ("pause_exportschedule", "Can pause and resume export schedules"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def page(self) -> str:
        """Where it lies in the console; schedules are no resource of the API."""
        return reverse("admin:schedules_exportschedule_change", args=[self.pk])

    @property
    def continues(self) -> bool:
        """Whether each export brings what is new since the last one."""
        return self.window_rule == WindowRule.SINCE_LAST_SUCCESS

    def next_runs(self, moment: datetime, number: int) -> list[datetime]:
        """The first times after `moment`, in UTC; fewer where the calendar has no more."""
        return list(islice(cron.due_after(self.cron, self.time_zone, moment), number))

    def window(self, moment: datetime) -> Window:
        """What a run planned at `moment` exports."""
        return window(WindowRule(self.window_rule), moment, ZoneInfo(self.time_zone), self.begin)


class ScheduledRunQuerySet(models.QuerySet["ScheduledRun"]):
    def needing_a_look(self) -> Self:
        """Refused, and nobody has let them be."""
        return self.filter(outcome=ScheduledRun.Outcome.REFUSED, acknowledged=False)


class ScheduledRun(models.Model):
    """One time at which a schedule was due, or somebody's run by hand. There is never a second row for the same time,
    whoever else plans at that moment; its export starts in the transaction that writes the row."""

    class Outcome(models.TextChoices):
        STARTED = "started"
        REFUSED = "refused"
        SKIPPED = "skipped"

    schedule = models.ForeignKey(ExportSchedule, on_delete=models.PROTECT, related_name="runs", db_index=False)
    planned_at = models.DateTimeField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    reason = models.TextField(blank=True, help_text="why it was refused or skipped")
    export = models.ForeignKey(ReadConsumptionBatch, on_delete=models.SET_NULL, null=True, related_name="+")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), db_index=True)
    acknowledged = models.BooleanField(db_default=False, editable=False)  # refused, and an operator lets it be

    objects = ScheduledRunQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "planned_at"], name="planned_once")]
        permissions = [("acknowledge_scheduledrun", "Can let refused runs be")]

    def __str__(self) -> str:
        return f"run of {self.planned_at:%Y-%m-%d %H:%M}"
