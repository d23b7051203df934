"""The form of a schedule: what is wrong with it stands beside the field that is wrong."""

from __future__ import annotations

from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from consumption.models import Limit
from consumption.schedules import cron, services
from consumption.schedules.models import ExportSchedule
from hypermedia.errors import ResultMessage
from hypermedia.readers import Role

# Where a broken rule points to, by the first part of its pointer; the others are called as they are.
_FIELDS = {"limitCodes": "limits", "timeZone": "time_zone"}
_PREVIEWED = 5  # runs


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Limits are picked from a list, and stored as codes; none picked means all of them."""

    limits = forms.ModelMultipleChoiceField(
        Limit.objects.order_by("code"), to_field_name="code", required=False, help_text="None picked: all limits"
    )

    class Meta:
        model = ExportSchedule
        exclude = ("limit_codes",)  # noqa: DJ006  the admin says which fields there are

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["limits"] = self.instance.limit_codes or []
        else:
            self.initial.setdefault("time_zone", settings.TIME_ZONE)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.instance.limit_codes = sorted(limit.code for limit in cleaned.get("limits") or ()) or None
        return cleaned

    def _post_clean(self) -> None:
        """Django fills the schedule from the form here; only then can its rules be asked."""
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, unknown to its stubs
        for broken in services.broken_rules(self.instance):
            self._blame(broken)

    def _blame(self, broken: ResultMessage) -> None:
        first = (broken.pointer or "").split("/")[1]
        field = _FIELDS.get(first, first)
        if field not in self.errors:
            self.add_error(field if field in self.fields else None, broken.text)


def preview(asked: QueryDict, schedule: ExportSchedule | None) -> dict[str, Any]:
    """Of a form as it is filled in: `runs`, the next five by the schedule's clock, or `wrong`, why there are none; and
    `left_out`, what a change of the limits of this schedule would leave out."""
    expression, time_zone = asked.get("cron", "").strip(), asked.get("time_zone", "")
    wrong = [message.text for message in cron.broken_rules(expression, time_zone)] if expression else []
    due = cron.due_after(expression, time_zone, timezone.now()) if expression and not wrong else iter(())
    runs = [f"{moment.astimezone(ZoneInfo(time_zone)):%a %Y-%m-%d %H:%M %Z}" for moment in islice(due, _PREVIEWED)]
    return {"runs": runs, "wrong": wrong, "left_out": _left_out(asked, schedule)}


def _left_out(asked: QueryDict, schedule: ExportSchedule | None) -> str:
    if schedule is None or asked.get("window_rule", schedule.window_rule) != schedule.window_rule:
        return ""
    return services.unseen_before(schedule, schedule.limit_codes, asked.getlist("limits") or None)


def possible_owners() -> Any:
    """Who may start exports."""
    may_start = Q(groups__name__in=[Role.CLIENT, Role.OPERATOR]) | Q(is_superuser=True)
    return User.objects.filter(may_start, is_active=True).distinct().order_by("username")


def time_zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(available_timezones())]
