"""The console's page to start an export: what and when, then how much that would be, then go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from audit.console.actions import user_id_of
from consumption import services
from consumption.allowances import allowed_limits
from consumption.models import Compression, ExportFormat
from hypermedia.errors import RuleBroken

MAY_START = "consumption.start_export"
_MILLISECOND = timedelta(milliseconds=1)
_LIMITS_SHOWN = 500

Span = tuple[datetime, datetime]  # both ends inclusive


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _days_before(today: datetime, days: int) -> Span:
    return _midnight(today - timedelta(days=days)), today - _MILLISECOND


def _last_month(today: datetime) -> Span:
    end = today.replace(day=1)
    return _midnight(end - timedelta(days=1)).replace(day=1), end - _MILLISECOND


def _last_year(today: datetime) -> Span:
    end = today.replace(month=1, day=1)
    return end.replace(year=end.year - 1), end - _MILLISECOND


def _this_year(today: datetime) -> Span:
    return today.replace(month=1, day=1), timezone.localtime()


PRESETS: dict[str, tuple[str, Callable[[datetime], Span]]] = {
    "yesterday": ("Yesterday", lambda today: _days_before(today, 1)),
    "week": ("The last 7 days", lambda today: _days_before(today, 7)),
    "month": ("Last month", _last_month),
    "this-year": ("This year until now", _this_year),
    "year": ("Last year", _last_year),
}
OWN = "own"


class StartForm(forms.Form):
    """What to export. `cleaned_data` carries `transaction_start` and `transaction_end` whichever period was chosen."""

    period = forms.ChoiceField(
        choices=[*((key, title) for key, (title, _) in PRESETS.items()), (OWN, "From and to, as given below")],
        initial="yesterday",
        widget=forms.RadioSelect,
    )
    start = forms.DateTimeField(
        required=False, label="From", widget=forms.DateTimeInput({"type": "datetime-local", "step": "1"})
    )
    end = forms.DateTimeField(
        required=False, label="To, inclusive", widget=forms.DateTimeInput({"type": "datetime-local", "step": "1"})
    )
    limits = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, help_text="None chosen: all limits."
    )
    format = forms.ChoiceField(choices=ExportFormat.choices)
    compression = forms.ChoiceField(choices=Compression.choices)

    def __init__(self, *args: Any, user_id: int) -> None:
        super().__init__(*args)
        limits = allowed_limits(user_id).order_by("code").values_list("code", "description")[:_LIMITS_SHOWN]
        choices = [(code, f"{code} {description}".strip()) for code, description in limits]
        self.fields["limits"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        answers = super().clean() or {}
        period = answers.get("period")
        if period in PRESETS:
            today = _midnight(timezone.localtime())
            answers["transaction_start"], answers["transaction_end"] = PRESETS[period][1](today)
        elif answers.get("start") and answers.get("end"):
            answers["transaction_start"], answers["transaction_end"] = answers["start"], answers["end"]
        elif period == OWN:
            self.add_error("start", "Give both ends of the period.")
        return answers

    def wanted(self) -> dict[str, Any]:
        """What the service takes."""
        answers = self.cleaned_data
        return {
            "transaction_start": answers["transaction_start"],
            "transaction_end": answers["transaction_end"],
            "limit_codes": answers["limits"] or None,
        }


def start_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """GET: the questions. POST: how many rows that would be; with `go`: start it."""
    if not request.user.has_perm(MAY_START):
        raise PermissionDenied
    form = StartForm(request.POST if request.method == "POST" else None, user_id=user_id_of(request))
    if request.method == "POST" and form.is_valid():
        try:
            if "go" in request.POST:
                return _start(request, form)
            context["estimate"] = services.estimate_export(user_id=user_id_of(request), **form.wanted())
            context["wanted"] = form.wanted()
        except RuleBroken as error:
            for message in error.messages:
                form.add_error(None, message.text)
    return TemplateResponse(request, "console/start_export.html", {**context, "title": "Start an export", "form": form})


def _start(request: HttpRequest, form: StartForm) -> HttpResponse:
    answers = form.cleaned_data
    chosen = {"format": answers["format"], "compression": answers["compression"]}
    batch = services.start_export(user_id=user_id_of(request), **form.wanted(), **chosen)
    messages.success(request, f"Export {batch.pk} was started.")
    return HttpResponseRedirect(reverse("admin:consumption_readconsumptionbatch_change", args=[batch.pk]))
