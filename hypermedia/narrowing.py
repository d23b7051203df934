"""What lists of the console can be narrowed by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


def one_of(name: str, choices: Callable[[], Iterable[str]]) -> type[SimpleListFilter]:
    """By the exact value of a column whose values are known: looking them up would read the whole table."""

    class OneOf(SimpleListFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(str(choice), str(choice)) for choice in choices()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            known = {str(choice) for choice in choices()}
            return queryset.filter(**{name: self.value()}) if self.value() in known else queryset

    return OneOf
