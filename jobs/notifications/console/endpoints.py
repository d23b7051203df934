"""Endpoints: made and changed by forms, acted upon by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from audit.console.actions import Acting, ActingAdmin, NamedAction, NecessaryReasonForm, ReasonForm
from hypermedia.console import PageMixin, Panel, facts
from hypermedia.narrowing import chosen_by
from hypermedia.showing import NOTHING, ago, duration, moment
from jobs.notifications import services
from jobs.notifications.console import endpoint_pages
from jobs.notifications.console.appearance import SHOWN, alarms_panel, deliveries_panel, endpoint_chip
from jobs.notifications.models import EndpointQuerySet, NotificationEndpoint, SigningSecret

OPERATE = "notifications.operate_notificationendpoint"


def _test(endpoint: NotificationEndpoint, acting: Acting) -> str:
    delivery = services.test_endpoint(endpoint_id=endpoint.pk)
    return f"A test event is on its way to {endpoint.name}: delivery {delivery.pk}."


def _rotate(endpoint: NotificationEndpoint, acting: Acting) -> str:
    return services.rotate_secret(endpoint_id=endpoint.pk, user_id=acting.user_id)[1]


def _enable(endpoint: NotificationEndpoint, acting: Acting) -> str:
    services.enable_endpoint(endpoint_id=endpoint.pk, user_id=acting.user_id)
    return f"{endpoint.name} was enabled; what waited for it is sent."


def _leave_off(endpoint: NotificationEndpoint, acting: Acting) -> str:
    services.leave_off(endpoint_id=endpoint.pk, user_id=acting.user_id)
    return f"{endpoint.name} stays off on purpose."


def _cannot_leave_off(endpoint: NotificationEndpoint) -> str | None:
    return None if endpoint.disabled_reason and not endpoint.active else "It was not switched off by itself."


class RecoverForm(ReasonForm):
    since = forms.DateTimeField(widget=forms.DateTimeInput({"type": "datetime-local"}), label="Missed since")
    field_order = ("since", "reason")


def _recover(endpoint: NotificationEndpoint, acting: Acting) -> str:
    done = services.recover(endpoint_id=endpoint.pk, since=acting.answers["since"])
    more = " There are more: recover once more." if done.has_more else ""
    return f"{done.sent_again} deliveries are sent again, {done.newly_sent} events for the first time.{more}"


def _cannot_test(endpoint: NotificationEndpoint) -> str | None:
    return None if endpoint.active else "The endpoint is switched off; enable it first."


def _cannot_enable(endpoint: NotificationEndpoint) -> str | None:
    return "It is enabled, and nothing fails." if endpoint.active and not endpoint.failing_since else None


TEST = NamedAction(
    "test", "Send a test event", OPERATE, "Sends an event of the type Test, signed like every other.", _test,
    _cannot_test, icon="send",
)  # fmt: skip
CHANGE = replace(TEST, name="edit", label="Change", permission=endpoint_pages.MAY_CHANGE, icon="edit")


@admin.register(NotificationEndpoint)
class NotificationEndpointAdmin(PageMixin, ActingAdmin):
    """Endpoints. The signing secret of a new one is shown once."""

    list_display = ("name", "chip", "url", "http_method", "events", "integration_user", "failing")
    list_filter = (
        "active",
        chosen_by(
            "state",
            "needs somebody",
            {
                "disabled": ("switched off by itself", EndpointQuerySet.disabled),
                "failing": ("its last calls failed", EndpointQuerySet.failing),
            },
        ),
        "http_method",
    )
    list_select_related = ("integration_user",)
    search_fields = ("name", "url")
    named_actions = (
        TEST,
        NamedAction(
            "enable", "Enable", OPERATE, "Switches it on and sends what waited for it.", _enable, _cannot_enable,
            icon="power_settings_new",
        ),
        NamedAction(
            "leave-off", "Leave it off", OPERATE,
            "Takes it from the list of what needs an operator. It stays off until somebody enables it.", _leave_off,
            _cannot_leave_off, form=NecessaryReasonForm, icon="task_alt",
        ),
        NamedAction(
            "rotate", "New signing secret", OPERATE,
            "Makes a new secret and shows it once. The old one stays valid for a day.", _rotate, icon="key",
            shows_secret=True,
        ),
        NamedAction(
            "recover", "Send what it missed", OPERATE,
            "Sends again what was given up since then, and events that found it switched off.", _recover,
            form=RecoverForm, icon="history",
        ),
    )  # fmt: skip

    @admin.display(description="state")
    def chip(self, endpoint: NotificationEndpoint) -> Any:
        return endpoint_chip(endpoint)

    @admin.display(description="events")
    def events(self, endpoint: NotificationEndpoint) -> str:
        return ", ".join(endpoint.event_types)

    @admin.display(description="failing since", ordering="failing_since")
    def failing(self, endpoint: NotificationEndpoint) -> Any:
        return ago(endpoint.failing_since)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(endpoint_pages.MAY_ADD)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.edit_view)
        return [path("<int:pk>/edit/", view, name="notifications_notificationendpoint_edit"), *super().get_urls()]

    def possible_actions(self, request: HttpRequest, row: Any) -> list[tuple[NamedAction, str]]:
        address = reverse("admin:notifications_notificationendpoint_edit", args=[row.pk])
        edit = [(CHANGE, address)] if request.user.has_perm(CHANGE.permission) else []
        return [*edit, *super().possible_actions(request, row)]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return endpoint_pages.add_view(request, self._context(request))

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return endpoint_pages.edit_view(request, self._context(request), pk)

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts}

    def headline(self, row: NotificationEndpoint) -> Any:
        return endpoint_chip(row)

    def panels(self, request: HttpRequest, row: NotificationEndpoint) -> list[Panel]:
        fault = [Panel("failure", "Why it is off", "console/reason.html", {"text": row.disabled_reason})]
        return [
            *(fault if row.disabled_reason else []),
            facts("where", "Where events go", self._where(row)),
            facts("state", "State", self._state(row)),
            deliveries_panel(row.deliveries.select_related("event", "endpoint").order_by("-pk")[:SHOWN]),
            alarms_panel(row.alarms.order_by("-pk")[:SHOWN]),
        ]

    def _where(self, endpoint: NotificationEndpoint) -> list[tuple[str, Any]]:
        shown = {name: value for name, value in endpoint.authentication.items() if name != "type"}
        return [
            ("URL", endpoint.url),
            ("Method", endpoint.http_method),
            ("Authentication", endpoint.authentication.get("type", "none")),
            *((name, value) for name, value in shown.items()),
            ("Events", ", ".join(endpoint.event_types)),
            ("Integration", endpoint.integration_user),
            ("Job has to end within", duration(endpoint.expected_seconds) if endpoint.integration_user_id else NOTHING),
        ]

    def _state(self, endpoint: NotificationEndpoint) -> list[tuple[str, Any]]:
        secrets = SigningSecret.objects.filter(endpoint=endpoint).valid().values_list("created_at", "expires_at")
        return [
            ("Failing since", ago(endpoint.failing_since)),
            ("Signing secrets", ", ".join(f"{made:%Y-%m-%d}{' (ends)' if ends else ''}" for made, ends in secrets)),
            ("Made by", endpoint.created_by),
            ("Changed by", endpoint.last_updated_by),
            ("Last change", moment(endpoint.last_updated_date)),
            ("Version", endpoint.version),
        ]
