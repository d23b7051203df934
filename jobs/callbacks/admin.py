"""The console's pages: jobs, every call of the callback, and the access tokens. Nothing here is edited by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import ForeignKey, Model, Q
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from hypermedia.console import ReadOnlyAdmin
from hypermedia.readers import Role
from jobs.callbacks.models import AccessToken, AccessTokenQuerySet, IntegrationJob, IntegrationJobQuerySet, StatusReport
from jobs.callbacks.services import create_job
from jobs.callbacks.states import Status, Verdict

STATUS_COLOURS = {Status.STARTED: "info", Status.COMPLETED: "success", Status.FAILED: "danger"}
VERDICT_COLOURS = {Verdict.APPLIED: "success", Verdict.DUPLICATE: "info", Verdict.STALE: "warning"}

Column = Callable[[Any, Any], str]


def chip(field: str, colours: dict[Any, str]) -> Callable[[Column], Column]:
    """A column that shows the values of `field` as coloured labels."""

    def decorate(column: Column) -> Column:
        column.label = colours  # type: ignore[attr-defined]  # where the theme looks for it
        return admin.display(description=field, ordering=field)(column)

    return decorate


@admin.register(IntegrationJob)
class IntegrationJobAdmin(ReadOnlyAdmin):
    """Jobs. Adding one gives an id for an integration to report on."""

    list_display = ("job_id", "integration", "status_chip", "flagged", "last_report_at", "created_at")
    list_filter = ("status", "flagged")
    list_select_related = ("integration",)
    ordering = ("-id",)
    search_fields = ("job_id__startswith", "integration__username")
    fields = (
        "job_id",
        "integration",
        "status",
        "message",
        "flagged",
        "created_at",
        "last_report_at",
        "version",
        "reports",
    )
    readonly_fields = ("reports",)
    actions = ("acknowledge",)

    @chip("status", STATUS_COLOURS)
    def status_chip(self, job: IntegrationJob) -> str:
        return job.status or "no report"

    @admin.display(description="reports")
    def reports(self, job: IntegrationJob) -> str:
        page = reverse("admin:callbacks_statusreport_changelist")
        return format_html('<a href="{}?job__id__exact={}">Every report on this job</a>', page, job.pk)

    @admin.action(description="Looked at: take the flag", permissions=["acknowledge"])
    def acknowledge(self, request: HttpRequest, jobs: IntegrationJobQuerySet) -> None:
        self.message_user(request, f"{jobs.acknowledge()} flags taken.", messages.SUCCESS)

    def has_acknowledge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("callbacks.acknowledge_integrationjob")

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
class StatusReportAdmin(ReadOnlyAdmin):
    """Every call of the callback, refused ones too."""

    list_display = ("id", "received_at", "user", "received_job_id", "received_status", "answered", "verdict_chip")
    list_filter = ("verdict", "answered")
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("received_job_id__startswith", "request_id")

    @chip("verdict", VERDICT_COLOURS)
    def verdict_chip(self, report: StatusReport) -> str:
        return report.verdict


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyAdmin):
    """Tokens and when they end. Their text is nowhere, and their digests are nobody's business."""

    list_display = ("__str__", "user", "scope", "created_at", "expires_at", "revoked_at")
    list_filter = ("scope",)
    list_select_related = ("user",)
    ordering = ("-id",)
    search_fields = ("name", "user__username")
    fields = ("name", "user", "scope", "created_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke: these tokens open nothing from now on", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: AccessTokenQuerySet) -> None:
        self.message_user(request, f"{tokens.revoke()} tokens revoked.", messages.SUCCESS)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("callbacks.revoke_accesstoken")
