"""The console's pages that make and change endpoints, by the services that answer the API."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.console.actions import user_id_of
from hypermedia.errors import Conflict, RuleBroken
from jobs.notifications import services
from jobs.notifications.console.endpoint_form import EndpointForm
from jobs.notifications.models import NotificationEndpoint

MAY_ADD = "notifications.add_notificationendpoint"
MAY_CHANGE = "notifications.change_notificationendpoint"
_NEVER_STORED = {"Cache-Control": "no-store"}
_STALE = "The endpoint was changed meanwhile; open it again. Nothing was changed."


def add_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """GET: the questions. POST: make it, and show its signing secret this once."""
    if not request.user.has_perm(MAY_ADD):
        raise PermissionDenied
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = services.create_endpoint(user_id=user_id_of(request), **form.wanted())
        except RuleBroken as error:
            form.blame(error)
        else:
            return _secret_page(request, context, made, secret)
    return _page(request, context, form, title="New endpoint", label="Make the endpoint", back=_list())


def edit_view(request: HttpRequest, context: dict[str, Any], pk: int) -> HttpResponse:
    """GET: as it is. POST: as it should become."""
    if not request.user.has_perm(MAY_CHANGE):
        raise PermissionDenied
    endpoint = NotificationEndpoint.objects.select_related("integration_user").filter(pk=pk).first()
    if endpoint is None:
        raise Http404
    page = reverse("admin:notifications_notificationendpoint_change", args=[pk])
    form = EndpointForm(request.POST if request.method == "POST" else None, endpoint=endpoint)
    if request.method == "POST" and form.is_valid() and _change(request, form, endpoint):
        messages.success(request, f"{form.cleaned_data['name']} is stored.")
        return HttpResponseRedirect(page)
    return _page(request, context, form, title=f"Change {endpoint}", label="Save", back=page)


def _change(request: HttpRequest, form: EndpointForm, endpoint: NotificationEndpoint) -> bool:
    try:
        if form.cleaned_data["version"] != endpoint.version:
            raise Conflict(_STALE)
        services.change_endpoint(endpoint_id=endpoint.pk, user_id=user_id_of(request), **form.wanted())
    except RuleBroken as error:
        form.blame(error)
        return False
    except Conflict as error:
        form.add_error(None, str(error))
        return False
    return True


def _page(request: HttpRequest, context: dict[str, Any], form: EndpointForm, **more: Any) -> HttpResponse:
    return TemplateResponse(request, "console/form_page.html", {**context, "form": form, **more}, headers=_NEVER_STORED)


def _secret_page(
    request: HttpRequest, context: dict[str, Any], endpoint: NotificationEndpoint, secret: str
) -> HttpResponse:
    shown = {"title": "Signing secret", "row": endpoint, "secret": secret, "back": _list()}
    return TemplateResponse(request, "console/secret.html", {**context, **shown}, headers=_NEVER_STORED)


def _list() -> str:
    return reverse("admin:notifications_notificationendpoint_changelist")
