"""What lists of the console can be narrowed by."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import TextFilter

PERIODS = {
    "1h": ("last hour", timedelta(hours=1)),
    "24h": ("last 24 hours", timedelta(hours=24)),
    "7d": ("last 7 days", timedelta(days=7)),
    "30d": ("last 30 days", timedelta(days=30)),
}


class PeriodFilter(SimpleListFilter):
    """By when something last happened to the row. Subclasses name the (indexed) column."""

    title = "last change"
    parameter_name = "period"
    column = "last_updated_date"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, title) for key, (title, _) in PERIODS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in PERIODS:
            return queryset
        _, length = PERIODS[self.value() or ""]
        return queryset.filter(**{f"{self.column}__gte": timezone.now() - length})


def period_of(name: str, heading: str) -> type[PeriodFilter]:
    """A period filter over another column."""
    return type("PeriodOf", (PeriodFilter,), {"column": name, "title": heading})


class UserFilter(TextFilter):  # type: ignore[misc]  # the theme is untyped
    """By the exact name of the user who asked for it."""

    title = "user name"
    parameter_name = "user"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        known = User.objects.filter(username=self.value()).values_list("pk", flat=True).first()
        return queryset.none() if known is None else queryset.filter(created_by_id=known)
