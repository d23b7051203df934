"""The console's sidebar: what an operator needs first stands first; each reader sees what he may open."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse


class Page(NamedTuple):
    """One entry: its title, its symbol, the model that one may look at to see it, and where it leads (to its list)."""

    title: str
    icon: str
    model: str  # app_label_modelname, as in the admin's address names; empty: for everybody
    address: str = ""


SECTIONS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "Work",
        (
            Page("Now", "monitoring", "", "admin:index"),
            Page("Exports", "output", "consumption_readconsumptionbatch"),
            Page("Imports", "input", "consumption_writeconsumptionbatch"),
            Page("Schedules", "schedule", "schedules_exportschedule"),
            Page("Scheduled runs", "event_available", "schedules_scheduledrun"),
            Page("Tasks", "checklist", "jobs_task"),
            Page("Queue", "traffic", "jobs_task", "admin-queue"),
            Page("Messages", "chat", "jobs_interfacedmessage"),
            Page("Data file sets", "folder", "datafiles_datafileset"),
        ),
    ),
    (
        "Integrations",
        (
            Page("Jobs", "sync_alt", "callbacks_integrationjob"),
            Page("Status reports", "receipt_long", "callbacks_statusreport"),
            Page("Endpoints", "webhook", "notifications_notificationendpoint"),
            Page("Deliveries", "send", "notifications_delivery"),
            Page("Events", "bolt", "notifications_notificationevent"),
            Page("Alarms", "notification_important", "notifications_alarm"),
        ),
    ),
    (
        "Master data",
        (
            Page("Limits", "straighten", "consumption_limit"),
            Page("Lists of limits", "rule", "consumption_limitallowance"),
            Page("Counters", "calculate", "consumption_counter"),
            Page("Consumptions", "receipt", "consumption_consumption"),
            Page("Transaction sources", "source", "consumption_transactionsource"),
        ),
    ),
    (
        "Administration",
        (
            Page("Audit", "policy", "audit_entry"),
            Page("Users", "person", "auth_user"),
            Page("Groups", "groups", "auth_group"),
            Page("Access tokens", "key", "callbacks_accesstoken"),
            Page("Celery's log", "history", "django_celery_results_taskresult"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The sections with at least one page that the reader may open."""
    sections = [{"title": title, "separator": True, "items": _items(pages, request)} for title, pages in SECTIONS]
    return [section for section in sections if section["items"]]


def _items(pages: tuple[Page, ...], request: HttpRequest) -> list[dict[str, Any]]:
    return [
        {"title": page.title, "icon": page.icon, "link": reverse(page.address or f"admin:{page.model}_changelist")}
        for page in pages
        if _may_open(page, request)
    ]


def _may_open(page: Page, request: HttpRequest) -> bool:
    if not page.model:
        return True
    app_label, _, model = page.model.rpartition("_")
    return request.user.has_perm(f"{app_label}.view_{model}")


OPERATIONS = {
    "Exports": "consumption_readconsumptionbatch",
    "Imports": "consumption_writeconsumptionbatch",
    "All operations, as tasks": "jobs_task",
}


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Above the lists of operations: from each kind to the others, and to all of them in one list."""
    # The question mark keeps the theme from taking all three entries of the sidebar for the page that is open.
    items = [
        {"title": title, "link": f"{reverse(f'admin:{model}_changelist')}?"}
        for title, model in OPERATIONS.items()
        if _may_open(Page(title, "", model), request)
    ]
    return [{"models": [model.replace("_", ".") for model in OPERATIONS.values()], "items": items}]


def context(request: HttpRequest) -> dict[str, Any]:
    """The theme would write its colours into each page as a style; ours stand in console.css."""
    return {"colors": {}}
