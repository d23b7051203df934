"""The queue as a page: what waits, and the switch that stops and starts the picking of tasks."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.console.actions import NecessaryReasonForm, user_id_of
from audit.services import record
from config.console import needs
from hypermedia.console import facts
from hypermedia.showing import Tone, ago, anchor, chip
from jobs import figures, processing

MAY_CONTROL = "jobs.control_queue"


def queue_view(request: HttpRequest) -> HttpResponse:
    """GET: the queue. POST: the switch, with a reason."""
    if not request.user.has_perm("jobs.view_task"):
        raise PermissionDenied
    form = NecessaryReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not request.user.has_perm(MAY_CONTROL):
            raise PermissionDenied
        if form.is_valid():
            return _switch(request, "stop" in request.POST, form.cleaned_data["reason"])
    return _page(request, form)


@transaction.atomic
def _switch(request: HttpRequest, stopped: bool, reason: str) -> HttpResponse:
    processing.switch(stopped=stopped, user_id=user_id_of(request))
    said = "The queue was stopped" if stopped else "The queue was started"
    word = "console.queue.stop" if stopped else "console.queue.start"
    record(word, user_id=user_id_of(request), subject="taskprocessing", detail={"reason": reason})
    messages.success(request, f"{said}.")
    return HttpResponseRedirect(reverse("admin-queue"))


def _page(request: HttpRequest, form: NecessaryReasonForm) -> HttpResponse:
    queue, switch = figures.queue(), processing.current()
    state = chip("stopped", Tone.BAD) if queue.stopped else chip("started", Tone.GOOD)
    rows = [
        ("State", state),
        ("Since", ago(switch.last_updated_date) if switch.version > 1 else "it was never stopped"),
        ("By", switch.last_updated_by or ""),
        ("Waiting", anchor(needs.listed("jobs_task", "status__exact=PENDING"), queue.waiting)),
        ("Waiting longest", ago(queue.waiting_since)),
        ("Running", anchor(needs.listed("jobs_task", "status__exact=PROCESSING"), queue.running)),
        ("Workers alive", queue.workers),
        ("Without their worker", queue.lost),
        ("Last taken by a worker", ago(queue.last_claim)),
    ]
    context = {
        **admin.site.each_context(request),
        "title": "Queue",
        "panel": facts("queue", "Queue", rows, wide=True),
        "form": form,
        "stopped": queue.stopped,
        "may_control": request.user.has_perm(MAY_CONTROL),
    }
    return TemplateResponse(request, "console/queue.html", context)
