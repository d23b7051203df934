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
        "jobs.control_queue",
        "datafiles.hold_datafileset",
        "datafiles.unlock_datafileset",
        "consumption.start_export",
        "schedules.add_exportschedule",
        "schedules.change_exportschedule",
        "schedules.run_exportschedule",
        "schedules.pause_exportschedule",
        "callbacks.add_integrationjob",
        "callbacks.acknowledge_integrationjob",
        "callbacks.revoke_accesstoken",
        "notifications.add_notificationendpoint",
        "notifications.change_notificationendpoint",
        "notifications.operate_notificationendpoint",
        "notifications.redeliver_delivery",
    ),
    Role.AUDITOR: _SEEN_BY_OPERATORS,
}


def store_roles(**_: Any) -> None:
    """Makes the groups and gives them at least these permissions; what an administrator added stays."""
    from django.contrib.auth.models import Group, Permission

    for role, names in PERMISSIONS.items():
        group, _made = Group.objects.get_or_create(name=role)
        for name in names:
            app_label, codename = name.split(".")
            group.permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
