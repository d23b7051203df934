"""What lists of the console can be narrowed by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
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
PERIOD = ("period", "period_from", "period_to")  # what stands in the address


class SelectFilter(SimpleListFilter):
    """One of several values, chosen in the form of the filters."""

    template = "console/filter_select.html"
    nothing = "any"

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]  # the template is ours
        for value, display in [("", self.nothing), *self.lookup_choices]:
            yield {"value": value, "display": display, "selected": (self.value() or "") == value}


class PeriodFilter(SelectFilter):
    """By when something last happened to the row: one of the usual periods, or from and to, both inclusive and either
    alone. Subclasses name the (indexed) column."""

    template = "console/filter_period.html"
    title = "last change"
    parameter_name = PERIOD[0]
    nothing = "at any time"
    column = "last_updated_date"
    FROM, TO = PERIOD[1:]

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in (self.FROM, self.TO):
            if given := params.pop(name, [""])[-1]:
                self.used_parameters[name] = given
        self.start, self.end = (str(self.used_parameters.get(name, "")) for name in (self.FROM, self.TO))
        self.wrong_start, self.wrong_end = (bool(text) and _moment(text) is None for text in (self.start, self.end))

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name, self.FROM, self.TO]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, title) for key, (title, _) in PERIODS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        start, end = _moment(self.start), _moment(self.end)
        if start is None and end is None and self.value() in PERIODS:
            start = timezone.now() - PERIODS[self.value() or ""][1]
        if start is not None:
            queryset = queryset.filter(**{f"{self.column}__gte": start})
        if end is not None:  # a minute is given, and all of it is meant
            queryset = queryset.filter(**{f"{self.column}__lt": end + timedelta(minutes=1)})
        return queryset


class ReadByPeriod:
    """A list whose period is read from its own index: by id, one long ago would be looked for among all since."""

    ordering: tuple[str, ...]
    period_ordering: tuple[str, ...] = ("-last_updated_date", "-id")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return self.period_ordering if request.GET.keys() & set(PERIOD) else self.ordering


Narrow = Callable[[Any], QuerySet[Any]]


def chosen_by(name: str, heading: str, sets: dict[str, tuple[str, Narrow]]) -> type[SelectFilter]:
    """By a question that a QuerySet answers: value in the address -> (words, the rows)."""

    class ChosenBy(SelectFilter):
        title = heading
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(value, words) for value, (words, _) in sets.items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            chosen = sets.get(self.value() or "")
            return queryset if chosen is None else chosen[1](queryset)

    return ChosenBy


def _moment(text: str) -> datetime | None:
    """What the browser sends of a date and time, in the server's time zone."""
    try:
        given = datetime.fromisoformat(text)
        return timezone.make_aware(given) if timezone.is_naive(given) else given
    except (ValueError, OverflowError):
        return None


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


def one_of(name: str, choices: Callable[[], Iterable[str]]) -> type[SelectFilter]:
    """By the exact value of a column whose values are known: looking them up would read the whole table."""

    class OneOf(SelectFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(str(choice), str(choice)) for choice in choices()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            known = {str(choice) for choice in choices()}
            return queryset.filter(**{name: self.value()}) if self.value() in known else queryset

    return OneOf
