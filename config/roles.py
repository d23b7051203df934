"""The roles as Django groups, with what each may do in the console. Made after every migration."""

from __future__ import annotations

from typing import Any

from hypermedia.readers import Role

_SEEN_BY_OPERATORS = (
    "audit.view_entry",
    "consumption.view_limit",
    "consumption.view_transactionsource",
    "consumption.view_readconsumptionbatch",
    "schedules.view_exportschedule",
    "schedules.view_scheduledrun",
    "consumption.view_writeconsumptionbatch",
    "datafiles.view_datafileset",
    "datafiles.view_datafile",
    "jobs.view_task",
    "jobs.view_taskattempt",
    "jobs.view_interfacedmessage",
    "jobs.view_message",
    "callbacks.view_integrationjob",
    "callbacks.view_statusreport",
    "callbacks.view_accesstoken",
    "notifications.view_alarm",
    "notifications.view_attempt",
    "notifications.view_delivery",
    "notifications.view_notificationendpoint",
    "notifications.view_notificationevent",
)
PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.CLIENT: (),
    Role.INTEGRATION: (),
    Role.OPERATOR: (
        *_SEEN_BY_OPERATORS,
        "jobs.restart_task",
        "jobs.cancel_task",
        "jobs.acknowledge_task",
        "jobs.control_queue",
        "datafiles.hold_datafileset",
        "datafiles.unlock_datafileset",
        "consumption.start_export",
        "schedules.add_exportschedule",
        "schedules.change_exportschedule",
        "schedules.run_exportschedule",
        "schedules.pause_exportschedule",
        "schedules.acknowledge_scheduledrun",
        "callbacks.add_integrationjob",
        "callbacks.acknowledge_integrationjob",
        "callbacks.revoke_accesstoken",
        "notifications.add_notificationendpoint",
        "notifications.change_notificationendpoint",
        "notifications.operate_notificationendpoint",
        "notifications.redeliver_delivery",
        "notifications.acknowledge_delivery",
    ),
    Role.AUDITOR: _SEEN_BY_OPERATORS,
}
# What people read on the pages of users and groups.
IN_WORDS: dict[Role, str] = {
    Role.CLIENT: (
        "Uses the API: starts exports and imports, makes data file sets, and follows, restarts, cancels and downloads"
        " what is its own. Sees nothing of others. No page of the console."
    ),
    Role.INTEGRATION: (
        "Reports over the callback on the jobs that it was given, and reads these. No page of the console."
    ),
    Role.OPERATOR: (
        "Sees everybody's operations, sets, endpoints and the audit. Restarts and cancels, stops and starts the queue,"
        " starts exports, makes and changes schedules and endpoints, sends events again, lets failures be, holds and"
        " unlocks sets, revokes tokens. Reads the content of other people's files only with the extra permission for"
        " it. No users, no changes of limits, no consumptions."
    ),
    Role.AUDITOR: "Sees what an operator sees and changes nothing. Never reads the content of files.",
}
ADMINISTRATOR = "A superuser may do everything, also what concerns users, groups, tokens, limits and personal data."


def store_roles(**_: Any) -> None:
    """Makes the groups and gives them at least these permissions; what an administrator added stays."""
    from django.contrib.auth.models import Group, Permission

    for role, names in PERMISSIONS.items():
        group, _made = Group.objects.get_or_create(name=role)
        for name in names:
            app_label, codename = name.split(".")
            group.permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
