"""Limits, sources, lists of limits and the ledger in the console; operations have a module of their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse

from consumption import limits
from consumption.allowances import allow
from consumption.console import imports, operations
from consumption.limits import LimitDefinition
from consumption.models import Consumption, Counter, CounterPeriod, Limit, LimitAllowance, TransactionSource
from hypermedia.console import ConsoleAdmin, PageMixin, Panel, ReadOnlyAdmin, facts, table
from hypermedia.finding import ExactSearchMixin, as_number
from hypermedia.narrowing import PERIOD, period_of
from hypermedia.showing import NOTHING, Tone, anchor, chip, moment

__all__ = ["imports", "operations"]  # they register their pages

# The database refuses to change these once they are there: exports print them.
_FIXED = {"code", "type", "currency"}
_SHOWN = 100


class FixedCodeAdmin(ConsoleAdmin):
    """Rows whose code and meaning stay once they are made."""

    ordering = ("code",)
    search_fields = ("code", "description")

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> list[str]:
        return [] if obj is None else [field.name for field in self.model._meta.fields if field.name in _FIXED]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class LimitForm(ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Asks the service which rules the limit would break."""

    class Meta:
        model = Limit
        fields = ("code", "description", "type", "currency", "reference", "plan_year_start", "maximum")

    def definition(self) -> LimitDefinition:
        answers = {name: getattr(self.instance, name) for name in self._meta.fields or ()} | self.cleaned_data
        return LimitDefinition(**answers)

    def clean(self) -> dict[str, Any]:
        answers = super().clean() or {}
        if not self.errors:
            for broken in limits.broken_rules([self.definition()]):
                self.add_error(None, broken.text)
        return answers


@admin.register(Limit)
class LimitAdmin(FixedCodeAdmin):
    form = LimitForm
    fields = ("code", "description", "type", "currency", "reference", "plan_year_start", "maximum")
    list_display = ("code", "description", "type", "currency", "reference", "maximum")
    list_filter = ("type", "reference")

    def save_model(self, request: HttpRequest, obj: Limit, form: Any, change: bool) -> None:
        limits.store(limits=[form.definition()])
        obj.pk = Limit.objects.values_list("pk", flat=True).get(code=obj.code)


@admin.register(TransactionSource)
class TransactionSourceAdmin(FixedCodeAdmin):
    list_display = ("code", "description")


@admin.register(LimitAllowance)
class LimitAllowanceAdmin(ConsoleAdmin):
    """Which limits a client may read and export. Without a list: all of them."""

    list_display = ("user", "allowed")
    list_select_related = ("user",)
    ordering = ("user__username",)
    search_fields = ("=user__username",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("limits")

    @admin.display(description="limits")
    def allowed(self, allowance: LimitAllowance) -> str:
        return ", ".join(limit.code for limit in allowance.limits.all()) or "none"

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        options["widget"] = forms.CheckboxSelectMultiple
        return super().formfield_for_manytomany(db_field, request, **options)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        allow(user_id=form.instance.user_id, limits=list(form.cleaned_data["limits"]))


def page_of(model: str, pk: int, text: Any) -> Any:
    return anchor(reverse(f"admin:consumption_{model}_change", args=[pk]), text)


@admin.register(Counter)
class CounterAdmin(ExactSearchMixin, PageMixin, ReadOnlyAdmin):
    """What a person or a family has used. Personal data: seen only by who was given the permission, and the audit says
    so."""

    audited = {"GET": "data.read"}
    list_display = ("id", "limit", "aggregation_level", "person_code", "family_code")
    list_filter = ("limit",)
    list_select_related = ("limit",)
    ordering = ("-id",)
    search_fields = ("id", "person_code", "family_code")
    search_help_text = "Id of the counter, or the whole code of a person or family"

    def panels(self, request: HttpRequest, row: Counter) -> list[Panel]:
        about = [
            ("Limit", page_of("limit", row.limit_id, row.limit)),
            ("Counts for", row.get_aggregation_level_display()),
            ("Person", row.person_code),
            ("Family", row.family_code),
        ]
        lines = [
            [one.start_date, one.end_date or "for life", one.total.normalize().__format__("f")]
            for one in CounterPeriod.objects.filter(counter=row).order_by("-start_date")[:_SHOWN]
        ]
        return [
            facts("about", "Counter", about, wide=True),
            table("periods", "Periods", ["From", "To", "Total"], lines),
            consumptions_panel(row),
        ]


def consumptions_panel(counter: Counter) -> Panel:
    entries = Consumption.objects.filter(counter_period__counter=counter).order_by("-id")[:_SHOWN]
    lines = [
        [page_of("consumption", one.pk, one.pk), moment(one.transaction_datetime), one.service_date, value_of(one),
         one.external_id or NOTHING, chip("withdrawn", Tone.WAITING) if one.withdrawn else ""]
        for one in entries
    ]  # fmt: skip
    headings = ["Id", "Transaction", "Service date", "Value", "External id", ""]
    return table("consumptions", f"The newest {_SHOWN} entries", headings, lines)


def value_of(entry: Consumption) -> str:
    """The signed amount or number of units; a service day counts one."""
    value = entry.amount if entry.amount is not None else entry.number_of_units
    return "1 day" if value is None else f"{value.normalize():f}"


@admin.register(Consumption)
class ConsumptionAdmin(PageMixin, ReadOnlyAdmin):
    """The entries of the ledger. Personal data: seen only by who was given the permission, and the audit says so."""

    audited = {"GET": "data.read"}
    list_display = ("id", "limit", "transaction_datetime", "service_date", "value", "external_id", "withdrawn")
    list_filter = ("limit", period_of("transaction_datetime", "transaction"))
    list_select_related = ("limit",)
    search_fields = ("id", "external_id")
    search_help_text = "Id of the entry, or its whole external id"

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """External ids are indexed below their limits."""
        word = search_term.strip()
        if not word:
            return queryset, False
        wanted = Q(limit__in=list(Limit.objects.values_list("pk", flat=True)), external_id=word)
        if (number := as_number(word)) is not None:
            wanted |= Q(pk=number)
        return queryset.filter(wanted), False

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By the index that the choice of a limit, or of a period, is answered by."""
        narrowed = {"limit__id__exact", *PERIOD} & request.GET.keys()
        return ("-transaction_datetime", "-id") if narrowed else ("-id",)

    @admin.display(description="value")
    def value(self, entry: Consumption) -> str:
        return value_of(entry)

    def panels(self, request: HttpRequest, row: Consumption) -> list[Panel]:
        counter_id = row.counter_period.counter_id
        about = [
            ("Limit", page_of("limit", row.limit_id, row.limit)),
            ("Counter", page_of("counter", counter_id, f"counter {counter_id}")),
            ("Transaction", moment(row.transaction_datetime)),
            ("Service date", row.service_date),
            ("Value", value_of(row)),
            ("Withdrawn", "yes" if row.withdrawn else "no"),
        ]
        origin = [
            ("External id", row.external_id),
            ("Source", row.transaction_source),
            ("Reference", row.reference_code),
            ("Provider", row.provider_code),
            ("Description", row.description),
        ]
        return [facts("about", "Entry", about), facts("origin", "Where it comes from", origin)]
