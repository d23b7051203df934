"""The console's pages: jobs, every call of the callback, and the access tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from audit.console.actions import Acting, ActingAdmin, NamedAction, subject_of, user_id_of
from audit.services import record
from hypermedia.console import PageMixin, Panel, ReadOnlyAdmin, facts, table
from hypermedia.finding import ExactSearchMixin
from hypermedia.narrowing import period_of
from hypermedia.readers import Role
from hypermedia.showing import Tone, ago, anchor, chip, code, joined, moment
from jobs.callbacks.models import AccessToken, IntegrationJob, StatusReport
from jobs.callbacks.services import create_job
from jobs.callbacks.states import Status, Verdict

STATUS_TONES = {Status.STARTED: Tone.BUSY, Status.COMPLETED: Tone.GOOD, Status.FAILED: Tone.BAD}
VERDICT_TONES = {
    Verdict.APPLIED: Tone.GOOD, Verdict.DUPLICATE: Tone.QUIET, Verdict.STALE: Tone.WAITING, Verdict.REJECTED: Tone.BAD,
}  # fmt: skip
_SHOWN = 200


def status_chip(status: str | None) -> Any:
    return chip(status, STATUS_TONES[Status(status)]) if status else chip("no report", Tone.WAITING)


def verdict_chip(verdict: str) -> Any:
    return chip(verdict, VERDICT_TONES[Verdict(verdict)])


def _acknowledge(job: IntegrationJob, acting: Acting) -> str:
    IntegrationJob.objects.filter(pk=job.pk).acknowledge()
    return f"The flag of job {job} is taken."


def _revoke(token: AccessToken, acting: Acting) -> str:
    AccessToken.objects.filter(pk=token.pk).revoke()
    return f"{token} opens nothing any more."


def _whose(token: AccessToken) -> dict[str, str]:
    """For the trail: who can log in with it, and where."""
    return {"for": token.user.get_username(), "scope": _opens(token)}


def _opens(token: AccessToken) -> str:
    return "/ws" if token.scope == AccessToken.Scope.CALLBACK else "/api"


@admin.register(IntegrationJob)
class IntegrationJobAdmin(ExactSearchMixin, PageMixin, ActingAdmin):
    """Jobs. Adding one gives an id for an integration to report on."""

    quiet_seconds = 10
    list_display = ("job_id", "chip", "flag", "integration", "reported", "age")
    list_filter = ("status", "flagged", period_of("created_at", "time"))
    list_select_related = ("integration",)
    ordering = ("-id",)
    search_fields = ("job_id__startswith", "integration__username")
    search_help_text = "Begin of the job id, or the integration's name"
    named_actions = (
        NamedAction(
            "acknowledge", "Looked at: take the flag", "callbacks.acknowledge_integrationjob",
            "Takes the job from the list of what needs an operator. The job itself stays as it is.", _acknowledge,
            lambda job: None if job.flagged else "It has no flag.", icon="flag",
        ),
    )  # fmt: skip

    @admin.display(description="status", ordering="status")
    def chip(self, job: IntegrationJob) -> Any:
        return status_chip(job.status)

    @admin.display(description="flag")
    def flag(self, job: IntegrationJob) -> Any:
        return chip("needs a look", Tone.BAD) if job.flagged else ""

    @admin.display(description="last report", ordering="last_report_at")
    def reported(self, job: IntegrationJob) -> Any:
        return ago(job.last_report_at)

    @admin.display(description="age", ordering="id")
    def age(self, job: IntegrationJob) -> Any:
        return ago(job.created_at)

    def headline(self, row: IntegrationJob) -> Any:
        return joined(status_chip(row.status), self.flag(row))

    def panels(self, request: HttpRequest, row: IntegrationJob) -> list[Panel]:
        deliveries = reverse("admin:notifications_delivery_changelist")
        about = [
            ("Job id", code(row.job_id)),
            ("Integration", row.integration),
            ("Message", row.message),
            ("Made", moment(row.created_at)),
            ("Last report", moment(row.last_report_at)),
            ("Sent with", anchor(f"{deliveries}?q={row.job_id}", "the delivery that gave it to the integration")),
            ("Version", row.version),
        ]
        reports = row.reports.select_related("user").order_by("-pk")[:_SHOWN]
        lines = [
            [anchor(reverse("admin:callbacks_statusreport_change", args=[one.pk]), one.pk), moment(one.received_at),
             one.received_status, verdict_chip(one.verdict), one.received_message or ""]
            for one in reports
        ]  # fmt: skip
        headings = ["Audit id", "When", "Reported", "Verdict", "Message"]
        return [
            facts("about", "Job", about, wide=True),
            table("reports", "Reports", headings, lines, empty="Nothing was reported yet."),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("callbacks.add_integrationjob")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_fields(request, obj) if obj else ("integration",)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "integration":
            may_report = Q(groups__name=Role.INTEGRATION) | Q(is_superuser=True)
            options["queryset"] = User.objects.filter(may_report, is_active=True).distinct().order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: IntegrationJob, form: ModelForm[Any], change: bool) -> None:
        created = create_job(integration_id=obj.integration_id)
        obj.pk, obj.job_id = created.pk, created.job_id


@admin.register(StatusReport)
class StatusReportAdmin(ExactSearchMixin, PageMixin, ReadOnlyAdmin):
    """Every call of the callback, refused ones too."""

    list_display = ("id", "age", "user", "received_job_id", "received_status", "answered", "verdict_of")
    list_filter = ("verdict", period_of("received_at", "time"))
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("id", "job__job_id")
    search_help_text = "Audit id, whole job id or whole request id"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What no index knows is looked for when nothing else is meant: it reads the whole table."""
        found, distinct = super().get_search_results(request, queryset, search_term)
        word = search_term.strip()
        if not word or found.exists():
            return found, distinct
        return queryset.filter(Q(request_id=word) | Q(received_job_id=word)), distinct

    @admin.display(description="verdict", ordering="verdict")
    def verdict_of(self, report: StatusReport) -> Any:
        return verdict_chip(report.verdict)

    @admin.display(description="age", ordering="id")
    def age(self, report: StatusReport) -> Any:
        return ago(report.received_at)

    def headline(self, row: StatusReport) -> Any:
        return verdict_chip(row.verdict)

    def panels(self, request: HttpRequest, row: StatusReport) -> list[Panel]:
        job = row.job
        about = [
            ("Audit id", row.pk),
            ("When", moment(row.received_at)),
            ("Caller", row.user or "nobody known"),
            ("Job", anchor(reverse("admin:callbacks_integrationjob_change", args=[job.pk]), job) if job else "none"),
            ("Answered", row.answered),
            ("Request id", code(row.request_id)),
        ]
        received = [
            ("Job id", row.received_job_id), ("Status", row.received_status), ("Message", row.received_message),
        ]  # fmt: skip
        return [facts("about", "Call", about), facts("received", "What was received", received)]


class TokenForm(ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Whose token, for what, and for how long."""

    days = forms.IntegerField(
        min_value=1,
        max_value=settings.ACCESS_TOKEN_MAX_DAYS,
        initial=min(settings.ACCESS_TOKEN_DAYS, settings.ACCESS_TOKEN_MAX_DAYS),
        label="Days until it ends",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = AccessToken
        fields = ("user", "name", "scope")
        widgets = {"name": UnfoldAdminTextInputWidget, "scope": UnfoldAdminSelectWidget}


@admin.register(AccessToken)
class AccessTokenAdmin(PageMixin, ActingAdmin):
    """Tokens and when they end. Their text is shown once, when they are made, and is nowhere."""

    form = TokenForm
    list_display = ("name_of", "chip", "user", "scope", "age", "ends")
    list_filter = ("scope",)
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("name", "=user__username")
    named_actions = (
        NamedAction(
            "revoke", "Revoke", "callbacks.revoke_accesstoken", "The token opens nothing from now on.", _revoke,
            lambda token: "It is revoked already." if token.revoked_at else None, icon="block", is_final=True,
            detail=_whose,
        ),
    )  # fmt: skip

    @admin.display(description="name", ordering="name")
    def name_of(self, token: AccessToken) -> str:
        return str(token)

    @admin.display(description="state")
    def chip(self, token: AccessToken) -> Any:
        if token.revoked_at:
            return chip("revoked", Tone.BAD)
        return chip("ended", Tone.QUIET) if token.expires_at <= timezone.now() else chip("valid", Tone.GOOD)

    @admin.display(description="age", ordering="id")
    def age(self, token: AccessToken) -> Any:
        return ago(token.created_at)

    @admin.display(description="ends", ordering="expires_at")
    def ends(self, token: AccessToken) -> Any:
        return ago(token.expires_at)

    def headline(self, row: AccessToken) -> Any:
        return self.chip(row)

    def panels(self, request: HttpRequest, row: AccessToken) -> list[Panel]:
        about = [
            ("User", row.user),
            ("Opens", _opens(row)),
            ("Made", moment(row.created_at)),
            ("Ends", moment(row.expires_at)),
            ("Revoked", moment(row.revoked_at)),
        ]
        return [facts("about", "Token", about, wide=True)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("callbacks.add_accesstoken")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return super().get_fields(request, obj) if obj else ("user", "name", "scope", "days")

    def save_model(self, request: HttpRequest, obj: AccessToken, form: ModelForm[Any], change: bool) -> None:
        ends = timezone.now() + timedelta(days=form.cleaned_data["days"])
        made, text = AccessToken.objects.issue(user=obj.user, name=obj.name, scope=obj.scope, expires_at=ends)
        obj.pk = made.pk
        detail = {**_whose(made), "ends": ends.isoformat(timespec="seconds")}
        record("token.issue", user_id=user_id_of(request), subject=subject_of(made), detail=detail)
        request.new_token = text  # type: ignore[attr-defined]  # for the one page that shows it

    def response_add(
        self, request: HttpRequest, obj: AccessToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "New access token",
            "secret": request.new_token,  # type: ignore[attr-defined]
            "row": obj,
            "back": reverse("admin:callbacks_accesstoken_changelist"),
        }
        return TemplateResponse(request, "console/secret.html", context, headers={"Cache-Control": "no-store"})
